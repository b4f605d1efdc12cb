#!/usr/bin/env bash
# Runs fuzz targets for a while each (default 10s): scripts/fuzz.sh [duration [target...]]. Without targets: all of the
# module. What is found stands in testdata/fuzz beside the test, to be kept with the mend.
set -euo pipefail

duration=${1:-10s}
shift || true
wanted=" $* "
found=" "

for package in $(go list ./...); do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        if [ $# -gt 0 ] && [[ $wanted != *" $target "* ]]; then
            continue
        fi
        found+="$target "
        echo "$package $target"
        # Coverage of code with goroutines is never twice the same: by default go would spend minutes on making inputs
        # smaller that only seem to be new.
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" -fuzzminimizetime 10x -parallel 2 "$package"
    done
done

for target in "$@"; do
    if [[ $found != *" $target "* ]]; then
        echo "no fuzz target is named $target" >&2
        exit 1
    fi
done

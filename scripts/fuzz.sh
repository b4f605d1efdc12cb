#!/usr/bin/env bash
# Runs fuzz targets for a while each (default 10s): scripts/fuzz.sh [duration [target...]]. Without targets: all of the
# module. What is found stands in testdata/fuzz beside the test, to be kept with the mend.
set -euo pipefail

duration=${1:-10s}
shift || true
wanted=" $* "
found=" "

# fuzz runs one target. Go's own end of the time may be taken for a failure (go.dev/issue/75804, mended in 1.27): where
# that is all there is, no input was found and the corpus passes, nothing is wrong.
fuzz() {
    local log
    log=$(mktemp)
    if go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 10x -parallel 2 "$1" | tee "$log"; then
        rm "$log"
        return
    fi
    local words
    words=$(grep -A1 '^--- FAIL' "$log" | tail -n 1 | tr -d ' ')
    if [ "$words" = contextdeadlineexceeded ] && ! grep -q 'Failing input\|panic:' "$log"; then
        rm "$log"
        echo "the time was up while an input was tried; the corpus once more:"
        go test -run "^$2\$" "$1"
        return
    fi
    rm "$log"
    return 1
}

for package in $(go list ./...); do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        if [ $# -gt 0 ] && [[ $wanted != *" $target "* ]]; then
            continue
        fi
        found+="$target "
        echo "$package $target"
        # Coverage of code with goroutines is never twice the same: by default go would spend minutes on making inputs
        # smaller that only seem to be new.
        fuzz "$package" "$target"
    done
done

for target in "$@"; do
    if [[ $found != *" $target "* ]]; then
        echo "no fuzz target is named $target" >&2
        exit 1
    fi
done

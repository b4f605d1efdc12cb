#!/usr/bin/env bash
# Runs every fuzz target of the module for a while (default 10s each): scripts/fuzz.sh [duration]
set -euo pipefail

for package in $(go list ./...); do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        echo "$package $target"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "$package"
    done
done

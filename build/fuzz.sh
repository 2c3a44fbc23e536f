#!/usr/bin/env bash
# Runs every fuzzer of the given packages for a short time each, and says at the end which of them found something. What
# one found lies in its package's testdata/fuzz and is a test from then on.
# Usage: TIME=10s build/fuzz.sh TAGS PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."
tags=$1
shift
time=${TIME:-10s}

runs=0 bad=()
for package in $(grep -rl --include='*_test.go' '^func Fuzz' "$@" | xargs -n1 dirname | sort -u); do
  for fuzzer in $(go test -tags "$tags" -list '^Fuzz' "./$package" | grep '^Fuzz'); do
    runs=$((runs + 1))
    echo "== $package $fuzzer"
    go test -tags "$tags" -run '^$' -fuzz "^$fuzzer\$" -fuzztime "$time" "./$package" | grep -v '^fuzz: elapsed: [0-9]*s, gathering' || bad+=("$package $fuzzer")
  done
done
echo "$runs fuzzers ran for $time each, ${#bad[@]} found something."
printf '  %s\n' ${bad[@]+"${bad[@]}"}
[ "$runs" -gt 0 ] && [ "${#bad[@]}" -eq 0 ]

#!/usr/bin/env bash
# Looks for known weaknesses in what the program is made of, and for usual mistakes in its own code. Every tool is pinned.
# One that cannot be asked fails, for then nothing is known. GOVULNDB names another copy of Go's list of vulnerabilities.
# Usage: build/audit.sh TAGS
set -uo pipefail
cd "$(dirname "$0")/.."
tags=$1
bad=()
step() {
  local what=$1
  shift
  echo "== $what"
  "$@" || bad+=("$what")
}

step "known vulnerabilities of Go and its modules" \
  go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -tags "$tags" ./...
step "known vulnerabilities of the packages of the interface" \
  npm --prefix frontend audit
# The tools of the developer start what the developer names. Statements of the store are put together of its own names of
# tables and columns; values are always parameters. Columns of samples are packed bit by bit, where to convert is the work
# itself, and are read from made-up bytes by a fuzzer. Everything else is answered where it stands, by rule and with a reason.
step "mistakes in Go code" \
  go run github.com/securego/gosec/v2/cmd/gosec@v2.30.0 -quiet -tags "$tags" -exclude-dir=frontend \
  -nosec-require-rules -nosec-require-justification -exclude-rules='build/.*:*;backend/store/.*:G202;backend/store/column/.*:G115' ./...

if [ "${#bad[@]}" -gt 0 ]; then
  printf 'Not clean, or not to be asked: %s\n' "${bad[@]}" >&2
  exit 1
fi
echo "Clean."

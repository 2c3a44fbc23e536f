#!/usr/bin/env bash
# Looks for known weaknesses in what the program is made of, and for usual mistakes in its own code. Every tool is pinned.
# A list that cannot be reached is told apart from one that knows nothing, and fails too, for then nothing is known.
# VULNDB=DIR names a copy of Go's list (index/ and ID/ of https://go.dev/doc/security/vuln/database) for a machine without
# that network. The list of npm has no copy: where its registry does not answer, this part cannot be done.
# Usage: build/audit.sh TAGS
set -uo pipefail
cd "$(dirname "$0")/.."
tags=$1
bad=()
unasked=()
step() {
  local what=$1 rc=0
  shift
  echo "== $what"
  "$@" || rc=$?
  case $rc in
  0) ;;
  "$cannot") unasked+=("$what") ;;
  *) bad+=("$what") ;;
  esac
}
# What a step answers with when it could not ask.
cannot=75

# govulncheck ends with 3 when it found something, and with 1 or 2 when it could not look.
modules() {
  local db=() rc=0
  if [ -n "${VULNDB:-}" ]; then
    [ -f "$VULNDB/index/modules.json" ] || { echo "VULNDB=$VULNDB holds no index/modules.json" >&2; return "$cannot"; }
    db=(-db "file://$(cd "$VULNDB" && pwd)")
  fi
  # Built first: go run would hide the code.
  local tool
  tool=$(mktemp -d) || return "$cannot"
  GOBIN=$tool go install golang.org/x/vuln/cmd/govulncheck@v1.9.0 || { rm -rf "$tool"; return "$cannot"; }
  "$tool/govulncheck" "${db[@]}" -tags "$tags" ./... || rc=$?
  rm -rf "$tool"
  case $rc in
  0 | 3) return "$rc" ;;
  *) echo "Go's list of vulnerabilities cannot be reached; VULNDB=DIR names a copy." >&2; return "$cannot" ;;
  esac
}

# npm ends with 1 in both cases; only an answer of the list has a version of its report.
packages() {
  local rc=0 report
  report=$(npm --prefix frontend audit --json 2>/dev/null) || rc=$?
  if ! grep -q '"auditReportVersion"' <<<"$report"; then
    echo "The list of vulnerabilities of npm cannot be reached." >&2
    return "$cannot"
  fi
  [ "$rc" -eq 0 ] || printf '%s\n' "$report"
  return "$rc"
}

step "known vulnerabilities of Go and its modules" modules
step "known vulnerabilities of the packages of the interface" packages
# The tools of the developer start what the developer names. Statements of the store are put together of its own names of
# tables and columns; values are always parameters. Columns of samples are packed bit by bit, where to convert is the work
# itself, and are read from made-up bytes by a fuzzer. Everything else is answered where it stands, by rule and with a reason.
step "mistakes in Go code" \
  go run github.com/securego/gosec/v2/cmd/gosec@v2.30.0 -quiet -tags "$tags" -exclude-dir=frontend \
  -nosec-require-rules -nosec-require-justification -exclude-rules='build/.*:*;backend/store/.*:G202;backend/store/column/.*:G115' ./...

if [ "${#unasked[@]}" -gt 0 ]; then
  printf 'Could not be asked, so nothing is known: %s\n' "${unasked[@]}" >&2
fi
if [ "${#bad[@]}" -gt 0 ]; then
  printf 'Not clean: %s\n' "${bad[@]}" >&2
fi
[ "${#unasked[@]}" -eq 0 ] && [ "${#bad[@]}" -eq 0 ] || exit 1
echo "Clean."

#!/usr/bin/env bash
# Fails and lists them when Go files are not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
list=$(gofmt -l main.go app backend build)
[ -z "$list" ] || { echo "not formatted:"; echo "$list"; exit 1; }

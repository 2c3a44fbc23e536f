#!/usr/bin/env bash
# The contract test: starts the program with an empty data folder and sends thousands of requests that are made from
# its OpenAPI document, right and wrong ones. Fails when any check fails, when the log holds an internal fault, or when
# there were too few cases.
# Usage: build/contract.sh PROGRAM GROUNDTRUTH PYTHON_ENVIRONMENT [flags of schemathesis]
set -euo pipefail
program=$(realpath "$1")
truth=$(realpath "$2")
venv=$(realpath "$3")
shift 3
here=$(realpath "$(dirname "$0")")
least=2000

work=$(mktemp -d)
server= truth_server=
finish() {
  for pid in $server $truth_server; do
    { kill "$pid" && wait "$pid"; } 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT
cd "$work"

# Debug: the seed's routes answer. The proxy leads nowhere, so that a download begins and fetches nothing.
SUPERBENCHMARK_DEBUG=True HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 \
  "$program" serve --addr 127.0.0.1:0 --data-dir "$work/data" >address 2>errors &
server=$!
for _ in $(seq 100); do
  grep -q '^listening on ' address && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
url=$(sed -n 's/^listening on //p' address)
if [ -z "$url" ]; then
  cat address errors >&2
  echo "The program did not start." >&2
  exit 1
fi

failed=
"$venv/bin/schemathesis" --config-file "$here/contract.toml" run "$url/api/v1/openapi.json" \
  --checks all --phases examples,coverage,fuzzing --max-examples 25 --continue-on-failure "$@" | tee report || failed=yes

# Once more for what there is to say of a job that ran, against a server that can be trusted.
"$truth" >truth & truth_server=$!
for _ in $(seq 100); do grep -q '^listening on ' truth && break; sleep 0.1; done
job=$("$program" run --data-dir "$work/data" --endpoint "$(sed -n 's/^listening on //p' truth)/v1" --model m --prompt hello \
  --max-tokens 8 --requests 3 --json | grep -o '"job_id": *"[^"]*"' | head -1 | cut -d'"' -f4)
{ cat "$here/contract.toml"
  printf '\n[[operations]]\ninclude-path-regex = "benchmarks/\\\\{id\\\\}"\nparameters = { "path.id" = "%s", n = 0 }\n' "$job"; } >job.toml
"$venv/bin/schemathesis" --config-file job.toml run "$url/api/v1/openapi.json" --checks all --max-examples 10 "$@" \
  --include-path-regex 'benchmarks/\{id\}' --continue-on-failure | tee job || failed=yes
if ! grep -q '[0-9] generated' job || [ -z "$job" ]; then
  echo "No job was there to ask for." >&2
  failed=yes
fi

cases=$(sed -n 's/^ *\([0-9]*\) generated.*/\1/p' report)
if [ "${cases:-0}" -lt "$least" ]; then
  echo "Only ${cases:-0} cases; $least are wanted." >&2
  failed=yes
fi
if ! kill -0 "$server" 2>/dev/null; then
  echo "The program has ended." >&2
  failed=yes
fi
if grep -h '"Internal fault"' "$work"/data/logs/*.log; then
  echo "The log holds internal faults." >&2
  failed=yes
fi
[ -z "$failed" ]

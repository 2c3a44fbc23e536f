#!/usr/bin/env bash
# `make run`: builds what is missing, fetches the engine and the starter model, and starts the
# program: its window where there is a display, else a quick check in the terminal and the server.
set -euo pipefail
cd "$(dirname "$0")/.."

headless=build/bin/inferometer-headless
build/need.sh
make -s "$headless"
ready=yes
make -s engine || ready=
[ -n "$ready" ] || echo "The engine could not be fetched now; Inferometer starts without it and can get it later." >&2

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  if build/need.sh window && make -s build/bin/inferometer; then
    exec build/bin/inferometer
  fi
  echo "The window could not be built; going on without it." >&2
fi
if [ -n "$ready" ]; then
  trap 'exit 130' INT # Ctrl+C in the quick check ends everything
  "$headless" run --quick || echo "The quick check failed; see above." >&2
  trap - INT
fi
echo "The web interface and the REST server start now; Ctrl+C ends them."
exec "$headless" serve

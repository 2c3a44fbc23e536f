#!/usr/bin/env bash
# Sees to what a step needs from the system: need.sh GROUP... with the groups window (to build the
# window), fetch (to get the engine from a package registry), native (to compile it) and test
# (browser, display and remote control). Go and Node must be there; other missing packages are
# installed with apt, or named.
set -euo pipefail

for tool in go node npm; do
  command -v "$tool" >/dev/null || { echo "Inferometer is built with $tool; please install it first." >&2; exit 1; }
done
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "Inferometer is built with Node 20 or newer; this is $(node --version)." >&2
  exit 1
fi

missing=()
reason=()
want() { # want WHY PACKAGE... : only when the test before it failed
  reason+=("$1"); shift
  missing+=("$@")
}

command -v cc >/dev/null || want "compiling" gcc libc6-dev
for group in "$@"; do
  case $group in
    window)
      pkg-config --exists gtk+-3.0 webkit2gtk-4.1 2>/dev/null ||
        want "the window" libgtk-3-dev libwebkit2gtk-4.1-dev pkg-config
      ;;
    fetch)
      python3 -m pip --version >/dev/null 2>&1 || want "fetching the engine" python3-pip
      ;;
    native)
      command -v cmake >/dev/null || want "compiling the engine" cmake
      command -v c++ >/dev/null || want "compiling the engine" g++
      command -v ninja >/dev/null || want "compiling the engine" ninja-build
      ;;
    test)
      command -v chromium >/dev/null || want "browser tests" chromium
      command -v Xvfb >/dev/null || want "window tests" xvfb
      command -v WebKitWebDriver >/dev/null || want "window tests" webkit2gtk-driver
      ;;
    *) echo "need.sh: unknown group $group" >&2; exit 2 ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

why=$(printf '%s\n' "${reason[@]}" | sort -u | paste -sd, | sed 's/,/, /g')
echo "Needed for $why: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "Please install the like of these with your system's package manager and try again." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Please run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
  echo "Installing them with apt; sudo may ask for your password."
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null

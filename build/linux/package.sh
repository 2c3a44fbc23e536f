#!/usr/bin/env bash
# package.sh VERSION: makes the .deb of the window build and the tar.gz of the headless one from
# build/bin into build/dist. The same input gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$1
deb_version=${version//-/\~}
arch=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' log -1 --format=%ct 2>/dev/null || date +%s)}
out=build/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

root=$work/deb
install -D -m 755 build/bin/inferometer "$root/usr/bin/inferometer"
install -D -m 644 build/linux/inferometer.desktop "$root/usr/share/applications/inferometer.desktop"
install -D -m 644 build/appicon.png "$root/usr/share/icons/hicolor/512x512/apps/inferometer.png"
install -D -m 644 build/appicon.svg "$root/usr/share/icons/hicolor/scalable/apps/inferometer.svg"
install -D -m 644 LICENSE "$root/usr/share/doc/inferometer/copyright"
mkdir -p "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<CONTROL
Package: inferometer
Version: $deb_version
Architecture: $arch
Maintainer: The Inferometer authors <inferometer@users.noreply.github.com>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6 (>= 2.34), libgtk-3-0t64 | libgtk-3-0, libwebkit2gtk-4.1-0
Recommends: python3-pip
Section: utils
Priority: optional
Homepage: https://github.com/inferometer/inferometer
Description: benchmarks of language models, with the machine beside them
 Tells which model, quantisation, engine and setting is best on this machine:
 runs language model benchmarks, charts processor, memory, GPU and power live
 meanwhile, keeps every raw measurement, and compares runs with honest
 statistics. Window, REST interface and command line offer the same operations.
CONTROL
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
deb=$out/inferometer_${deb_version}_${arch}.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
echo "$deb"

name=inferometer-headless_${version}_linux_${arch}
install -D -m 755 build/bin/inferometer-headless "$work/$name/inferometer"
install -m 644 LICENSE "$work/$name/LICENSE"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work" -cf - "$name" |
  gzip -n9 > "$out/$name.tar.gz"
echo "$out/$name.tar.gz"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A Debian package of what `make install` installs: BUILD/obit_VERSION_ARCHITECTURE.deb.
# usage: make-deb.sh BUILD VERSION
set -eu

build=$1 version=$2
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work/debian" "$root/DEBIAN"
umask 022

make --no-print-directory BUILD="$build" VERSION="$version" DESTDIR="$root" PREFIX=/usr SYSCONFDIR=/etc \
    ZSHDIR=/usr/share/zsh/vendor-completions install
# Debian 12 has units below /lib, the same place by another name where /usr is merged.
mkdir -p "$root/lib"
mv "$root/usr/lib/systemd" "$root/lib/"
strip --remove-section=.comment --remove-section=.note "$root/usr/bin/obit"
gzip -9n "$root"/usr/share/man/man1/*.1
mkdir -p "$root/usr/share/doc/obit"
cp packaging/deb/copyright "$root/usr/share/doc/obit/"
sed "1s/(.*)/($version)/" packaging/deb/changelog | gzip -9n >"$root/usr/share/doc/obit/changelog.gz"
cp README.md docs/*.md "$root/usr/share/doc/obit/"
chmod 0644 "$root"/usr/share/doc/obit/*

cp packaging/deb/control "$work/debian/control"
sed "1s/(.*)/($version)/" packaging/deb/changelog >"$work/debian/changelog"
(cd "$work" && dpkg-shlibdeps -O root/usr/bin/obit >debian/substvars 2>debian/said) || { cat "$work/debian/said" >&2; exit 1; }
(cd "$work" && dpkg-gencontrol -pobit -Proot -Tdebian/substvars -O >root/DEBIAN/control)
install -m 0755 packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$root/DEBIAN/"
(cd "$root" && find etc -type f | sed 's|^|/|' >DEBIAN/conffiles)
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\n' | sort | xargs md5sum >DEBIAN/md5sums)
chmod 0644 "$root/DEBIAN/conffiles" "$root/DEBIAN/md5sums" "$root/DEBIAN/control"
dpkg-deb --root-owner-group --build "$root" "$build/obit_${version}_$architecture.deb" >/dev/null
echo "$build/obit_${version}_$architecture.deb"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fetches a Debian kernel, unpacked, into DIR/VERSION (kept between runs), and prints the path of its image.
# The suites that this host's own sources do not have are asked of the same mirror, through an apt state of
# our own: nothing of the host's is changed.
# usage: fetch-kernel.sh VERSION DIR      VERSION: 5.10, 6.1, 6.12, 7.2 ...
set -eu

version=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)

image() { find "$dir/$version" -name 'vmlinuz*' -type f 2>/dev/null | head -n 1; }

if [ -n "$(image)" ]; then
    image
    exit 0
fi

mirror=$( { sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources
            sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
          } 2>/dev/null | tr ' ' '\n' | grep -E '/debian/?$' | head -n 1)
[ -n "$mirror" ] || { echo "fetch-kernel.sh: no Debian mirror in this host's apt sources" >&2; exit 1; }

state=$dir/apt
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
: >"$state/status"
for suite in bullseye bookworm trixie sid experimental; do
    echo "deb [trusted=yes] $mirror $suite main"
done >"$state/sources.list"
apt="-o Dir::State=$state -o Dir::State::lists=$state/lists -o Dir::State::status=$state/status
    -o Dir::Cache=$state/cache -o Dir::Etc::sourcelist=$state/sources.list -o Dir::Etc::sourceparts=-
    -o APT::Architecture=amd64 -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root"

# shellcheck disable=SC2086 # lists of words
if [ -z "$(find "$state/lists" -name '*Packages*' | head -n 1)" ]; then
    # A suite that the mirror does not keep is no fault as long as another has the kernel.
    apt-get $apt update -qq >"$state/log" 2>&1 || true
fi
# From Debian 14 on the image stands in linux-binary-*; linux-image-* only depends on it.
package=
for pattern in "linux-binary-$version[.].*-cloud-amd64" "linux-image-$version[.].*-cloud-amd64" \
    "linux-image-$version[.].*[0-9]-amd64"; do
    # shellcheck disable=SC2086
    [ -n "$package" ] || package=$(apt-cache $apt search --names-only "^$pattern\$" | cut -d' ' -f1 | sort -V | tail -n 1)
done
[ -n "$package" ] || { echo "fetch-kernel.sh: no kernel $version in any suite: $(tail -n 3 "$state/log")" >&2; exit 1; }
cd "$state/cache"
# shellcheck disable=SC2086
apt-get $apt download -qq "$package" >>"$state/log" 2>&1 || { tail -n 3 "$state/log" >&2; exit 1; }
mkdir -p "$dir/$version"
dpkg -x "$package"_*.deb "$dir/$version"
rm -f "$package"_*.deb
image

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs what building and testing obit need, from the distribution (Debian 12). Does nothing when all is there.
set -eu

packages="make gcc libc6-dev pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libzstd-dev libjansson-dev
    libcmocka-dev zstd jq python3 git clang-format clang-tidy cppcheck valgrind mandoc zsh tmux dpkg-dev lintian"

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    case $status in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "obit: these packages are missing:$missing" >&2
    echo "obit: run \`make deps\` as root, or install them yourself" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null

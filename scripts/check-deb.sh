#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The Debian package in a copy of this system's root that is thrown away: an overlay, in a mount namespace of its own.
# Does it install, record with the rights that its unit gives, upgrade, go, and leave nothing behind?
# usage: check-deb.sh BUILD
set -u

build=${1:-build}
passed=0 failed=0 skipped=0
newer=9.9.9

ok() { # command..., what is checked in $what
    if "$@" >"$work/said" 2>&1; then
        echo "ok   $what"
        passed=$((passed + 1))
    else
        echo "FAIL $what"
        sed 's/^/     /' "$work/said" | tail -n 12
        failed=$((failed + 1))
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

if [ "$(id -u)" != 0 ]; then
    echo "skip the package: installing takes root"
    skipped=1
    finish
    exit
fi

# A second time in a mount namespace, where nothing that is mounted stays.
if [ "${OBIT_CHECK_DEB:-}" != inside ]; then
    OBIT_CHECK_DEB=inside exec unshare --mount --propagation private "$0" "$@"
fi

work=$(mktemp -d)
mount -t tmpfs none "$work"
root=$work/root
agent=""
trap '[ -z "$agent" ] || kill -9 "$agent" 2>/dev/null; umount -R "$work"; rmdir "$work"' EXIT
mkdir "$root" "$work/upper" "$work/scratch" "$work/plain"
version=$(sed -n 's/^VERSION *:= *//p' Makefile)
architecture=$(dpkg --print-architecture)
deb=$build/obit_${version}_$architecture.deb newer_deb=$build/obit_${newer}_$architecture.deb

what="packages are built"
ok sh -c "scripts/make-deb.sh '$build' '$version' && scripts/make-deb.sh '$build' '$newer'"
what="lintian has no error"
ok lintian --allow-root --fail-on error "$deb"
what="the package names the libraries that it needs"
ok sh -c "dpkg-deb --field '$deb' Depends | grep 'libbpf1.*libzstd1'"

if ! mount -t overlay none -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$root"; then
    echo "skip installing: this system's root cannot be overlaid"
    skipped=$((skipped + 1))
    finish
    exit
fi
mount -t proc none "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
# Nothing is started by a package in this root (invoke-rc.d(8)).
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
cp "$deb" "$newer_deb" "$root/tmp/"
inside() { chroot "$root" "$@"; }
names() { (cd "$root" && find etc usr lib var -xdev ! -path 'var/lib/dpkg/*' ! -path 'var/log/*' ! -path 'var/cache/*' \
    ! -path 'etc/group*' ! -path 'etc/gshadow*' ! -path 'etc/.pwd.lock' ! -path 'var/lib/systemd' | sort); }

if inside dpkg -s obit >/dev/null 2>&1; then
    inside dpkg --purge obit >/dev/null
fi
names >"$work/before"

what="it installs"
ok inside dpkg -i "/tmp/${deb##*/}"
what="the program runs"
ok sh -c "chroot '$root' obit --version | grep '$version'"
what="there is the group obit"
ok grep '^obit:' "$root/etc/group"
what="there is a man page of each command"
ok sh -c "chroot '$root' obit --help | awk '/^commands:/ {on = 1; next} /^\$/ {on = 0} on {print \$1}' |
    while read -r command; do test -s '$root/usr/share/man/man1/obit-'\$command.1.gz || exit 1; done"
if inside test -x /usr/bin/systemd-analyze; then
    what="systemd finds nothing wrong in the unit"
    ok sh -c "chroot '$root' systemd-analyze verify /lib/systemd/system/obit.service 2>&1 | grep obit.service | (! grep .)"
else
    echo "skip systemd finds nothing wrong in the unit: there is no systemd here"
    skipped=$((skipped + 1))
fi
what="it is started at boot"
ok inside test -L /etc/systemd/system/multi-user.target.wants/obit.service
what="the configuration is taken as it comes"
ok inside obit record --print-config

# As the unit has it, as far as that goes without systemd: its capabilities, its group, no new rights.
start() {
    inside install -d -m 0750 -g obit /var/lib/obit /run/obit
    caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$root/lib/systemd/system/obit.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
    # Not by inside(): this is the agent's own process.
    chroot "$root" setpriv --bounding-set="-all,$caps" --inh-caps=-all --no-new-privs --regid=obit --clear-groups \
        obit record --interval 200ms 2>"$work/agent" &
    agent=$!
    for i in $(seq 100); do
        grep -q '^obit: recording' "$work/agent" && return 0
        sleep 0.1
    done
    cat "$work/agent"
    return 1
}

stop() {
    kill "$agent" && wait "$agent" && agent=""
}

what="it records with the rights of its unit"
ok start
what="a member of the group who is nobody else may ask it"
# Degraded is an answer: this may be a host that lacks something.
ok sh -c "chroot '$root' setpriv --reuid=nobody --regid=obit --clear-groups obit status | grep '^state *\(active\|degraded\)'"
for i in $(seq 50); do inside true; done
what="it stops"
ok stop
what="its ledger balances"
ok inside obit verify
what="a member of the group may read, and finds who ended"
ok sh -c "chroot '$root' setpriv --reuid=nobody --regid=obit --clear-groups obit dump exits --where 'comm = true' \
    --format csv --fields pid | awk 'END {exit NR < 51}'"
what="nobody else may"
ok sh -c "! chroot '$root' setpriv --reuid=nobody --regid=nogroup --clear-groups obit dump exits"

echo "interval = 2s" >>"$root/etc/obit.conf"
find "$root/var/lib/obit" -name '*.obit' | sort | xargs md5sum >"$work/store"
what="it upgrades"
ok inside dpkg -i --force-confold "/tmp/${newer_deb##*/}"
what="an upgrade keeps what was recorded"
ok md5sum -c "$work/store"
what="an upgrade keeps a changed configuration"
ok sh -c "chroot '$root' obit record --print-config | grep '^interval = 2s'"
what="it is removed"
ok inside dpkg --remove obit
what="removed, what was recorded stays"
ok md5sum -c "$work/store"
what="removed, the program has gone"
ok test ! -e "$root/usr/bin/obit"
what="it is purged"
ok inside dpkg --purge obit
names >"$work/after"
what="purged, there is what there was before"
ok diff "$work/before" "$work/after"
finish

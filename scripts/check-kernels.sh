#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The live tests on other kernels: each boots under qemu (TCG: no KVM is asked for) with a busybox and the static
# obit in its initramfs, runs the truth and balance tests and writes what they say to its second serial port.
# A missing last line, a kernel warning or a lockup is a failure.
# usage: check-kernels.sh BUILD [VERSION ...]       default: 5.10 6.1 6.12 7.2; CPUS="1 2" by default;
#        OBIT_LIVE_TESTS="NAME ...": those alone
set -eu

build=${1:-build}
shift || true
versions=${*:-5.10 6.1 6.12 7.2}
kernels=${OBIT_KERNELS:-$build/kernels}
cpus=${CPUS:-1 2}
# Under TCG a process takes some fifty times as long: storms are that much smaller.
scale=${OBIT_STORM_DIVISOR:-20}
minutes=15

for tool in qemu-system-x86_64 busybox cpio; do
    command -v "$tool" >/dev/null || { echo "skip   other kernels: $tool is missing: \`make deps-kernels\`"
        echo "0 passed, 0 failed, 1 skipped"; exit 0; }
done
make --no-print-directory BUILD="$build" static >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,dev,proc,run,sys,tmp,etc,var/lib}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$build"/static/obit "$build"/static/tests/live/{truth,causes,killings,own_costs,balance,samplers,processes_live,crowds,threads,service,trial,late_cpu} "$root/bin/"
cp tests/live/containers.sh "$root/bin/containers"
# With the libraries that it wants, where they are looked for.
if crun=$(command -v crun); then
    cp "$crun" "$root/bin/"
    ldd "$crun" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
fi
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin OBIT_MAY_STOP_CPUS=1 OBIT_STORM_DIVISOR=$scale
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts && mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo +memory >/sys/fs/cgroup/cgroup.subtree_control
ip link set lo up 2>/dev/null
exec >/dev/ttyS1 2>&1
echo "--- doctor"
obit doctor
tests="${OBIT_LIVE_TESTS:-truth causes killings own_costs balance samplers processes_live crowds threads service containers trial late_cpu}"
[ -e /sys/devices/system/cpu/cpu1/online ] || tests=\${tests% late_cpu}
for test in \$tests; do
    echo "--- \$test"
    \$test /bin/obit /tmp/\$test 2>/tmp/log || echo "FAIL \$test: it ends with status \$?"
    grep -v -e 'recording to' -e 'cannot notify' -e 'oom_score' /tmp/log | head -n 20
done
echo "--- end"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"

passed=0 failed=0 skipped=0
boot() { # version, cpus
    image=$("$(dirname "$0")/fetch-kernel.sh" "$1" "$kernels") || { echo "FAIL   $1: no kernel"; failed=$((failed + 1)); return; }
    said=$work/said kmsg=$work/kmsg
    : >"$said"
    started=$(date +%s)
    timeout $((minutes * 60)) qemu-system-x86_64 -accel tcg -cpu max -smp "$2" -m 2048 -display none -no-reboot \
        -kernel "$image" -initrd "$work/initramfs" \
        -append "console=ttyS0 panic=-1 oops=panic loglevel=5 random.trust_cpu=on" \
        -serial "file:$kmsg" -serial "file:$said" || true
    tr -d '\r' <"$said" >"$said.text"
    p=$(grep -c '^ok   [^ ]' "$said.text" || true) f=$(grep -c '^FAIL' "$said.text" || true) s=$(grep -c '^skip' "$said.text" || true)
    if ! grep -q '^--- end' "$said.text"; then f=$((f + 1)); echo "FAIL   $1, $2 CPUs: it did not come to its end"; fi
    if grep -aE 'WARNING:|BUG:|Oops|lockup|rcu.*stall' "$kmsg"; then f=$((f + 1)); echo "FAIL   $1, $2 CPUs: the kernel on_stderr"; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [ "$f" = 0 ] || sed 's/^/    /' "$said.text"
    echo "$(basename "$image"), $2 CPUs: $p passed, $f failed, $s skipped, $(($(date +%s) - started)) s"
    grep -E '^(missing|FAILED|lacks)' "$said.text" | sed 's/^/    doctor: /' || true
    grep -E '^skip' "$said.text" | sed 's/^/    /' || true
}

for version in $versions; do
    for n in $cpus; do boot "$version" "$n"; done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

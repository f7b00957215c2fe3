#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Containers of cgroup v2, run by crun from the files that podman, CRI-O and containerd leave for it: their names are in
# the record. For the virtual machines of scripts/check-kernels.sh.
# usage: containers OBIT STORE
obit=$1 store=$2 passed=0 failed=0

if ! command -v crun >/dev/null; then
    echo "skip names of containers: crun is missing: make deps-kernels"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

# From where nobody can write it crun does not first make a copy of itself in memory, which it cannot run here.
mkdir -p /tmp/crun && mount -t ramfs crun /tmp/crun && cp "$(command -v crun)" /tmp/crun/ &&
    mount -o remount,ro crun /tmp/crun
export _LIBCONTAINER_CLONED_BINARY=1
root=/tmp/container-root
mkdir -p $root/bin $root/proc $root/dev
cp /bin/busybox $root/bin/

bundle() { # directory, id, cgroup, exit status, annotations: what a runtime hands to crun
    mkdir -p "$1"
    cat >"$1/config.json" <<JSON
{"ociVersion": "1.0.0", "root": {"path": "$root"}, "hostname": "inside",
 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
             "args": ["/bin/busybox", "sh", "-c", "/bin/busybox sleep 1; exit $4"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}], "annotations": {$5},
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}], "cgroupsPath": "$3"}}
JSON
}

podman=$(printf %064x 2748) crio=$(printf %064x 3567) containerd=$(printf %064x 4386)
storage=/var/lib/containers/storage/overlay-containers
bundle $storage/$podman/userdata $podman "/machine.slice/libpod-$podman.scope" 41 '"io.container.manager": "libpod"'
cat >$storage/containers.json <<JSON
[{"id": "$podman", "names": ["web"], "metadata": "{\"image-name\": \"docker.io/library/nginx:1\"}"}]
JSON
bundle /run/containers/storage/overlay-containers/$crio/userdata $crio \
    "/kubepods.slice/kubepods-pod1.slice/crio-$crio.scope" 42 '"io.container.manager": "cri-o",
    "io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "shop-1", "io.kubernetes.pod.namespace": "prod",
    "io.kubernetes.cri-o.ImageName": "quay.io/shop:2"'
bundle /run/containerd/io.containerd.runtime.v2.task/k8s.io/$containerd $containerd "/kubepods/pod2/$containerd" 43 \
    '"io.kubernetes.cri.container-name": "db", "io.kubernetes.cri.sandbox-name": "store-0",
    "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.image-name": "postgres:15"'

$obit record --store "$store" --interval 500ms --socket none 2>"$store.log" &
agent=$!
for _ in $(seq 100); do grep -q 'recording to' "$store.log" && break; sleep 0.2; done
for of in "$storage/$podman/userdata $podman" "/run/containers/storage/overlay-containers/$crio/userdata $crio" \
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/$containerd $containerd"; do
    set -- $of
    /tmp/crun/crun --root /run/crun run --no-pivot --bundle "$1" "$2" </dev/null
done
sleep 1
kill -INT $agent
wait $agent

expect() { # which: exit status, name, pod, namespace, image
    said=$($obit dump exits --store "$store" --where "exit_code = $2 and nspid = 1" --format csv \
        --fields container,pod,namespace,image | tail -n +2 | tr -d "\r")
    if [ "$said" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok   $1 in cgroup v2: $said"
    else
        failed=$((failed + 1))
        echo "FAIL $1 in cgroup v2: the record has $said, not $3"
    fi
}
expect "podman's container" 41 "web,,,docker.io/library/nginx:1"
expect "CRI-O's container" 42 "app,shop-1,prod,quay.io/shop:2"
expect "containerd's container" 43 "db,store-0,prod,postgres:15"
expect_alive() { # while it lived, by its name
    n=$($obit dump procs --store "$store" --where "container = $1" --format csv --fields pid | tail -n +2 | wc -l)
    if [ "$n" -ge 1 ]; then
        passed=$((passed + 1))
        echo "ok   a process of $1 while it lived"
    else
        failed=$((failed + 1))
        echo "FAIL a process of $1 while it lived: no row"
    fi
}
for name in web app db; do expect_alive $name; done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]

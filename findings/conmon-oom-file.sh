#!/usr/bin/env bash
# conmon leaves an empty file called `oom` in the directory that it was started in. Needs root and cgroup v1 or v2.
#
# conmon watches the memory cgroup of the container that it was started for (Podman, CRI-O). At an OOM kill it makes the file
# `oom`, by which the engine knows later why the container died. The path is relative: besides the engine's directory, the
# file appears in conmon's working directory, which is that of `podman run`. So a container that is killed drops an
# untracked file into the git work tree, or the home directory, of whoever started it.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to run a container'; exit 77; }
work=$(mktemp -d)
id=finding$$
trap 'usr/sbin/runc --root state delete --force "$id" 2> /dev/null || true; cd /; rm -rf "$work"' EXIT
cd "$work"
packages=(conmon=2.1.6+ds1-1 runc=1.1.5+ds1-1+deb12u1 busybox-static)
{ apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" .; done

mkdir -p bundle/rootfs/bin empty
cp bin/busybox bundle/rootfs/bin/tail
(cd bundle && ../usr/sbin/runc spec)
node > config.json << 'JS'
const config = require(process.cwd() + '/bundle/config.json');
config.process.terminal = false;
config.process.args = ['tail', '/dev/zero'];
delete config.process.rlimits;
config.linux.cgroupsPath = '/finding-conmon';
config.linux.resources.memory = { limit: 16777216, swap: 16777216 };
console.log(JSON.stringify(config));
JS
mv config.json bundle/config.json

(
  cd empty
  ../usr/bin/conmon --api-version 1 --cid "$id" --cuuid "$id" --name web --runtime "$work/usr/sbin/runc" \
    --runtime-arg --root --runtime-arg "$work/state" --bundle "$work/bundle" --container-pidfile "$work/pid" \
    --exit-dir "$work" --full-attach --log-path "k8s-file:$work/log" > "$work/conmon.log" 2>&1 &
)
for _ in $(seq 50); do [ -s pid ] && break || sleep 0.2; done
usr/sbin/runc --root state start "$id"
for _ in $(seq 50); do [ -s "$id" ] && break || sleep 0.2; done
sleep 1
{
  usr/bin/conmon --version | head -n 1
  echo "exit code $(cat "$id"), files in the directory that conmon was started in: $(ls empty)"
} | tee seen.txt
# Seen with conmon 2.1.6 and runc 1.1.5 on cgroup v1:
#   exit code 137, files in the directory that conmon was started in: oom
grep -qx 'exit code 137, files in the directory that conmon was started in: oom' seen.txt

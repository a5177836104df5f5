#!/usr/bin/env bash
# LXC gives a container another cgroup if that of its last life is still there, and tools that read the name there see another container.
# Needs root, and cgroup v1 or v2.
#
# The cgroup of the container c1 is `lxc.payload.c1`. If it exists, because a process of the container's last life is stuck or somebody has made
# a cgroup in it, LXC starts the container without a word in `lxc.payload.c1-1`, then `-2`, up to `-999`. Nothing but the command line of
# its monitor says which container that is, since c1-1 is a valid name, too. Metrics by the name of the cgroup go on as a new series.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to run a container'; exit 77; }
work=$(mktemp -d)
name=finding$$
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then top=/sys/fs/cgroup; else top=/sys/fs/cgroup/pids; fi
left=$top/lxc.payload.$name
stuck=
lxc() { LD_LIBRARY_PATH=$library LXC_CONFIG_FILE= "$work/usr/bin/$@"; }
trap '[ -z "$stuck" ] || kill "$stuck" 2> /dev/null || true; lxc lxc-stop --kill -P "$work" -n "$name" 2> /dev/null || true
  sleep 0.5; rmdir "$left" /sys/fs/cgroup/lxc.pivot /sys/fs/cgroup/*/lxc.pivot 2> /dev/null || true; cd /; rm -rf "$work"' EXIT
cd "$work"
packages=(lxc=1:5.0.2-1+deb12u4 liblxc1=1:5.0.2-1+deb12u4 liblxc-common=1:5.0.2-1+deb12u4 busybox-static)
{ apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" .; done
library=$(dirname "$(find "$work" -name 'liblxc.so.1' | head -n 1)")

mkdir -p mount "$name/rootfs"/{bin,dev,proc,sys}
cp bin/busybox "$name/rootfs/bin/sleep"
printf '%s\n' "lxc.uts.name = $name" "lxc.rootfs.path = dir:$work/$name/rootfs" "lxc.rootfs.mount = $work/mount" \
  'lxc.net.0.type = empty' 'lxc.apparmor.profile = unconfined' 'lxc.init.cmd = /bin/sleep 1000' > "$name/config"
start() {
  lxc lxc-start -P "$work" -n "$name" -o "$work/log" -l WARN
  init=$(lxc lxc-info -P "$work" -n "$name" --pid --no-humanize)
  monitor=$(awk '/^PPid:/ {print $2}' "/proc/$init/status")
  cut -d : -f 3 "/proc/$init/cgroup" | sort -u | sed "s/$name/NAME/; s/^/  cgroup /"
  tr '\0' '\n' < "/proc/$monitor/cmdline" | head -n 1 | sed "s|$work|WORK|; s/$name/NAME/; s/^/  monitor /"
}

{
  echo 'first start'
  start
  lxc lxc-stop --kill -P "$work" -n "$name"
  sleep 0.5
  mkdir -p "$left"
  sleep 1000 > /dev/null &
  stuck=$!
  echo "$stuck" > "$left/cgroup.procs"
  echo 'second start, with a process in the old cgroup'
  start
} > seen.txt
cat seen.txt
echo "LXC $(lxc lxc-start --version)"
diff seen.txt - << 'SEEN'
first start
  cgroup /lxc.payload.NAME
  monitor [lxc monitor] WORK NAME
second start, with a process in the old cgroup
  cgroup /lxc.payload.NAME-1
  monitor [lxc monitor] WORK NAME
SEEN

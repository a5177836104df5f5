#!/usr/bin/env bash
# inotify never says that a watched cgroup is gone, and the watch stays. Needs root, and cgroup v1 or v2.
#
# On other file systems the removal of a watched directory or file gives DELETE_SELF, and the kernel takes the watch away. cgroupfs gives
# neither: only a watch on the parent sees the rmdir. A program that watches `cgroup.events` or `memory.events` of a container waits for ever,
# and each container that has ended costs as many of fs.inotify.max_user_watches as it had, until the program removes its watches. When a new
# cgroup gets the same path, as that of a unit that is restarted does, the old watch hears nothing of it.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to make cgroups'; exit 77; }
work=$(mktemp -d)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then top=/sys/fs/cgroup; else top=/sys/fs/cgroup/pids; fi
cgroup=$top/finding-$$
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait; rmdir "$cgroup/inner" "$cgroup" 2> /dev/null || true; cd /; rm -rf "$work"' EXIT
cd "$work"
packages=(inotify-tools=3.22.6.0-4 libinotifytools0=3.22.6.0-4)
{ apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" .; done
library=$(dirname "$(find "$work" -name 'libinotifytools.so.0' | head -n 1)")

# removed NAME DIRECTORY FILE: which events there are when a directory with a file is removed, and comes again.
removed() {
  LD_LIBRARY_PATH=$library usr/bin/inotifywait --monitor --quiet --format '%w %e %f' --event create --event delete --event delete_self \
    "$2" "$2/inner" "$2/inner/$3" > events 2> error &
  pid=$!
  for _ in $(seq 50); do [ "$(watches)" = 3 ] && break || sleep 0.1; done
  # cgroupfs removes a directory with all its files.
  [ "$1" = cgroupfs ] || rm "$2/inner/$3"
  rmdir "$2/inner"
  sleep 1
  echo "$1: $(watches) of 3 watches left"
  mkdir "$2/inner" "$2/inner/new"
  rmdir "$2/inner/new" "$2/inner"
  sleep 0.5
  kill "$pid"
  wait "$pid" || true
  pid=
  sed "s|^$2|  top|" events
  rmdir "$2"
}
watches() { cat "/proc/$pid/fdinfo/"* 2> /dev/null | grep -c '^inotify wd' || true; }

{
  mkdir -p directory/inner
  touch directory/inner/cgroup.procs
  removed disk "$work/directory" cgroup.procs
  mkdir "$cgroup" "$cgroup/inner"
  removed cgroupfs "$cgroup" cgroup.procs
} | tee seen.txt
echo "Linux $(uname -r | cut -d . -f 1,2), $(stat -f -c %T "$top")"
diff seen.txt - << 'SEEN'
disk: 1 of 3 watches left
  top/inner/cgroup.procs DELETE_SELF 
  top/inner/ DELETE cgroup.procs
  top/inner/ DELETE_SELF 
  top/ DELETE,ISDIR inner
  top/ CREATE,ISDIR inner
  top/ DELETE,ISDIR inner
cgroupfs: 3 of 3 watches left
  top/ DELETE,ISDIR inner
  top/ CREATE,ISDIR inner
  top/ DELETE,ISDIR inner
SEEN

# Runs in the namespaces of a new container, as the host's root: joins its cgroup, creates a root directory with only the host's
# programs, read-only, and becomes its first process. Environment:
#   CGROUPS       the files to write to in order to join the cgroup
#   ROOT          an empty directory of the host's
#   NAME          the host name; empty to keep it
#   CAPABILITIES  for setpriv --bounding-set
#   UNSHARE       more options for unshare, for namespaces that are entered last
#   HARDENED      empty, or the uid of the first process in a user namespace
#   SECCOMP       a program that installs a filter and runs its arguments; empty for none
#   COMMAND       what to run, for sh
set -eu

for procs in $CGROUPS; do echo 0 > "$procs"; done
if [ -n "$NAME" ]; then hostname "$NAME" 2> /dev/null || echo "$NAME" > /proc/sys/kernel/hostname; fi

mount -t tmpfs -o mode=755,size=1m tmpfs "$ROOT"
cd "$ROOT"
mkdir proc dev tmp
chmod 1777 tmp
# The directories of programs. A link in / (such as /bin to /usr/bin) stays a link.
for name in usr bin sbin lib lib32 lib64 libx32 nix gnu; do
  if [ -L "/$name" ]; then
    ln -s "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then
    mkdir "$name"
    mount --bind "/$name" "$name"
    mount -o remount,bind,ro "$name"
  fi
done
for name in null zero full random urandom; do
  : > "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
if [ -n "$SECCOMP" ]; then
  cp "$SECCOMP" seccomp
  chmod 644 seccomp
fi

mount -t proc -o nosuid,nodev,noexec proc proc
if [ -n "$CAPABILITIES" ]; then
  # Like engines: mask files that reveal facts about the host or change it.
  for name in kcore keys timer_list; do
    if [ -e "proc/$name" ]; then mount --bind /dev/null "proc/$name"; fi
  done
  for name in acpi scsi; do
    if [ -d "proc/$name" ]; then mount -t tmpfs -o ro tmpfs "proc/$name"; fi
  done
  for name in bus fs irq sys sysrq-trigger; do
    if [ -e "proc/$name" ]; then
      mount --bind "proc/$name" "proc/$name"
      mount -o remount,bind,ro "proc/$name"
    fi
  done
fi
if [ -n "$HARDENED" ]; then mount -o remount,ro,nosuid,nodev .; fi

# Hides the old root. The kernel's first root (an initramfs) cannot be moved.
if pivot_root . . 2> /dev/null; then umount -l .; else mount --move . /; fi

become='
if [ -n "$HARDENED" ]; then
  # The creator of this user namespace writes the map from outside.
  until read -r _ < /proc/self/uid_map && read -r _ < /proc/self/gid_map; do sleep 0.05; done
  set -- --reuid "$HARDENED" --regid "$HARDENED" --clear-groups --ambient-caps=-all --no-new-privs
fi
if [ -n "$CAPABILITIES" ]; then set -- "$@" --inh-caps=-all --bounding-set "$CAPABILITIES"; fi
# Changing the user clears this signal, so set it again.
if [ $# -gt 0 ]; then set -- setpriv --pdeathsig KILL "$@"; fi
set -- "$@" env -i PATH="$PATH" sh -c "$COMMAND"
if [ -n "$SECCOMP" ]; then set -- perl /seccomp "$@"; fi
exec "$@"'
if [ -n "$UNSHARE" ]; then set -- unshare $UNSHARE; else set --; fi
exec chroot . "$@" sh -c "$become"

#!/bin/busybox sh
# The first program in the guest: makes a root of its own disk if it has one, or else of the host's files (read-only,
# by 9p) under a throw-away layer in memory, with a pure cgroup v2 beside, and hands over to /lab/init.sh there.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
# The modules are in the order of their dependencies.
while read -r module; do insmod "/modules/$module.ko"; done < /modules/order

options=trans=virtio,version=9p2000.L,msize=512000
mkdir -p /host /layer /lab /new
mount -t 9p -o "$options,cache=loose,ro" host /host
if [ -b /dev/vda ]; then
  mount -t ext4 -o noatime /dev/vda /new
else
  # Nobody may change the files below a mounted overlay. Here only the test run could, and it does not.
  mount -t tmpfs -o mode=755 tmpfs /layer
  mkdir /layer/upper /layer/work
  mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /new
fi
# Both sides write here at the same time, so the guest must not cache it.
mkdir -p /new/lab
mount -t 9p -o "$options,cache=none" lab /new/lab

mount -t proc proc /new/proc
mount -t sysfs sysfs /new/sys
mount -t devtmpfs devtmpfs /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /new/dev/shm
mount -t tmpfs -o mode=755 tmpfs /new/run
mount -t tmpfs -o mode=1777 tmpfs /new/tmp
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /new/sys/fs/cgroup

# The repository may be in one of the directories that start empty in the guest, or not on its disk.
repository=$(cat /new/lab/repository)
if [ ! -d "/new$repository" ]; then
  mkdir -p "/new$repository"
  mount -o bind "/host$repository" "/new$repository"
fi
# Node has the same path as on the host, but is the guest's own.
node=$(cat /new/lab/node)
if [ ! -e "/new$node" ]; then
  mkdir -p "/new${node%/*}"
  ln -s /usr/bin/node "/new$node"
fi

# The guest is not a container, even if the host is one.
rm -f /new/.dockerenv /new/run/.containerenv
umount /dev /proc
exec switch_root /new /bin/bash /lab/init.sh

# PID 1 of the plain guest: no service manager, every controller that the kernel has on for every child of the root cgroup.
set -e
hostname lab
ip link set lo up
# On v2 a cgroup that enables controllers for its children may hold no processes.
mkdir /sys/fs/cgroup/init
while read -r pid; do
  # Kernel threads stay where they are.
  echo "$pid" > /sys/fs/cgroup/init/cgroup.procs || true
done < /sys/fs/cgroup/cgroup.procs 2>/dev/null
for controller in cpu memory pids io cpuset; do
  grep -qw $controller /sys/fs/cgroup/cgroup.controllers || continue
  echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done
exec bash /lab/agent.sh

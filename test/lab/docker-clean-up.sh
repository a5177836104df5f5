# Ends a lab's Docker daemon and everything that belongs to it, whether it runs, is stopped or was killed.
# Finds everything by the daemon's own directory, and does not touch other daemons.
clean_up() {
  local directory=$1 pid left id mount cgroup
  pid=$(cat "$directory/pid" 2>/dev/null)
  # A pid belongs to the daemon only while its command line contains the directory.
  if [ -n "$pid" ] && ! grep -qsa -- "$directory" "/proc/$pid/cmdline"; then pid=; fi

  if [ -n "$pid" ]; then
    kill -CONT "$pid"
    (
      export DOCKER_HOST=unix://$directory/docker.sock DOCKER_CONFIG=$directory
      docker=$(test -x /usr/bin/docker && echo /usr/bin/docker || echo docker)
      # shellcheck disable=SC2046
      timeout "${CLEAN_UP_SECONDS:-20}" "$docker" rm -f $("$docker" ps -aq) >/dev/null 2>&1
    )
    kill -TERM "$pid"
    for _ in $(seq 100); do
      # A daemon that was started by an agent may stay as a zombie for a moment.
      if [ ! -s "/proc/$pid/cmdline" ]; then break; fi
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
  fi

  # The remains of a killed daemon: its containerd, shims, and the processes in its containers' cgroups.
  for _ in $(seq 50); do
    # The brackets keep grep from finding itself.
    left=$(grep -lsa -- "[/]${directory#/}/exec" /proc/[0-9]*/cmdline | cut -d/ -f3)
    if [ -z "$left" ]; then break; fi
    # shellcheck disable=SC2086
    kill -KILL $left 2>/dev/null
    sleep 0.1
  done
  for id in $(ls "$directory/data/containers" 2>/dev/null); do
    for cgroup in $(find /sys/fs/cgroup -depth -type d \( -path "*/$id" -o -name "docker-$id.scope" \) 2>/dev/null); do
      for _ in $(seq 50); do
        # shellcheck disable=SC2046
        kill -KILL $(grep -vx 0 "$cgroup/cgroup.procs" 2>/dev/null) 2>/dev/null
        rmdir "$cgroup" 2>/dev/null
        if [ ! -d "$cgroup" ]; then break; fi
        sleep 0.1
      done
    done
  done

  # A bridge outlives its daemon and keeps its addresses. createNetwork chooses the name.
  for bridge in /sys/class/net/ie-"${directory##*-}"-*; do
    if [ -e "$bridge" ]; then ip link delete "${bridge##*/}"; fi
  done

  # Unmounts the latest mount first, so that inner mounts come before outer ones.
  for mount in $(awk -v d="$directory/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | tac); do
    umount -l "$mount"
  done
  rm -rf "$directory"
}

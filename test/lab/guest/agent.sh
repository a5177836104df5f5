# Runs jobs for the host. A job is a directory /lab/jobs/<number> with the files `script` and `seconds` (the time limit;
# 0 for a daemon). The agent adds `pid`, `stdout`, `stderr` and, when the job has ended, `code`.
set +e
shopt -s nullglob
. /lab/environment
ip link set lo up 2>/dev/null

run_job() {
  local job=$1 seconds
  seconds=$(< "$job/seconds")
  local limit=(timeout --kill-after=5 "$seconds")
  if [ "$seconds" = 0 ]; then limit=(); fi
  # Each job has its own session, and so its own process group: a signal to the group reaches everything the script
  # started.
  setsid "${limit[@]}" bash "$job/script" < /dev/null > "$job/stdout" 2> "$job/stderr" &
  echo $! > "$job/pid"
  wait $!
  echo $? > "$job/code.new"
  mv "$job/code.new" "$job/code"
}

mkfifo /run/lab-never
exec 3<> /run/lab-never
declare -A taken
echo "The agent is ready." > /dev/kmsg
: > /lab/ready
while :; do
  for job in /lab/jobs/[0-9]*; do
    if [ -z "${taken[$job]}" ]; then
      taken[$job]=1
      run_job "$job" &
    fi
  done
  # Sleeps without starting a process, which is expensive under emulation.
  read -r -t 0.25 -u 3
done

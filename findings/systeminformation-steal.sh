#!/usr/bin/env bash
# systeminformation reports a steal time of 0 on every host, and shares of what is left. Needs root.
#
# currentLoad() documents currentLoadSteal and currentLoadGuest for Linux. It fills them from `/proc/stat` if that has as many lines as
# there are CPUs, and counts the empty text after the last newline as a line: they are always 0. The other times are those of
# Node's os.cpus(), which leaves out iowait and steal, and the shares are of their sum. So a virtual machine whose host is overbooked shows
# no steal, and its `user` rises with each second that it waits for a disk or gets no CPU. psutil is right about the same file.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to mount'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check psutil==7.2.2 > pip.log 2>&1 || { cat pip.log; exit 1; }
npm init -y > npm.log
npm install --silent --no-audit --no-fund systeminformation@5.33.26 >> npm.log 2>&1 || { cat npm.log; exit 1; }

# times USER SYSTEM IDLE IOWAIT STEAL: the file of a host with one CPU.
times() {
  local fields="$1 0 $2 $3 $4 0 0 $5 0 0"
  printf 'cpu  %s\ncpu0 %s\nintr 0\nctxt 0\nbtime 1700000000\n' "$fields" "$fields"
}
times 1000 1000 1000 1000 1000 > before
# 100 seconds later.
times 2000 2000 2000 4000 5000 > after
cat > load.mjs << 'JS'
import { copyFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import si from 'systeminformation';

await si.currentLoad();
copyFileSync('after', 'stat');
// It answers with the last load if asked sooner.
await setTimeout(500);
const load = await si.currentLoad();
const percent = (value) => value.toFixed(0);
console.log(`user ${percent(load.currentLoadUser)}, system ${percent(load.currentLoadSystem)}, idle ${percent(load.currentLoadIdle)}, steal ${percent(load.currentLoadSteal)}`);
JS
cat > load.py << 'PY'
import shutil
import psutil

psutil.cpu_times_percent()
shutil.copyfile('after', 'stat')
load = psutil.cpu_times_percent()
print(f'user {load.user:.0f}, system {load.system:.0f}, idle {load.idle:.0f}, steal {load.steal:.0f}, iowait {load.iowait:.0f}')
PY

# inside COMMAND...: in a mount namespace whose /proc/stat is the file.
inside() {
  cp before stat
  unshare --mount sh -c 'mount --bind stat /proc/stat && exec "$@"' - "$@"
}
{
  echo "psutil 7.2.2: $(inside venv/bin/python load.py)"
  echo "systeminformation 5.33.26: $(inside node load.mjs)"
} | tee seen.txt
diff seen.txt - << 'SEEN'
psutil 7.2.2: user 10, system 10, idle 10, steal 40, iowait 30
systeminformation 5.33.26: user 33, system 33, idle 33, steal 0
SEEN

#!/usr/bin/env bash
# chokidar looks at every entry of a directory at each event in it, also at those that `ignored` rejects.
#
# One mkdir in a directory of 1,000 is one inotify event, which names the new entry. chokidar reads the whole directory then
# and calls lstat for each entry, at most once a second for each directory. `ignored` does not keep it from that: its filter
# runs behind the lstat. Beside 1,000 cgroups, of which ten come or go a second, that is all that the program does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund chokidar@5.0.0 >> npm.log
{ apt-get download strace=6.1-0.1 || { apt-get update && apt-get download strace=6.1-0.1; }; } > apt.log 2>&1
dpkg -x strace_*.deb .

cat > watch.mjs << 'JS'
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from 'chokidar';

mkdirSync('watched');
for (let index = 0; index < 1_000; index += 1) mkdirSync(`watched/c${index}`);
const ignored = process.argv[2] === 'ignored' ? (path) => /\/c\d+$/.test(path) : [];
const watcher = watch('watched', { depth: 0, ignoreInitial: true, ignored });
await new Promise((resolve) => watcher.once('ready', resolve));
await sleep(2_000);
// strace counts between these two.
mkdirSync('begin');
mkdirSync('watched/new');
await sleep(2_000);
mkdirSync('end');
await watcher.close();
JS
echo "chokidar 5.0.0, Node $(node --version)"
for mode in plain ignored; do
  rm -rf watched begin end
  usr/bin/strace -f -q -e trace=mkdir,statx,lstat -o trace.txt node watch.mjs "$mode"
  calls=$(sed -n '/mkdir("begin"/,/mkdir("end"/p' trace.txt | grep -cE '(statx|lstat).*watched/c[0-9]+"')
  echo "$mode: one mkdir, $calls times lstat of other entries"
done | tee seen.txt
# Seen with chokidar 5.0.0, Node 20.20.2:
#   plain: one mkdir, 1000 times lstat of other entries
#   ignored: one mkdir, 1000 times lstat of other entries
grep -qx 'ignored: one mkdir, 1000 times lstat of other entries' seen.txt

#!/usr/bin/env bash
# chokidar watches nothing, and says nothing, if the name of a directory has a backslash. Linux; systemd makes such names.
#
# systemd escapes what a unit name cannot hold, so cgroups and directories are called `machine-my\x2dbox.scope` or
# `system-serial\x2dgetty.slice`. On every platform chokidar replaces backslashes in the paths that it is given by slashes, and so watches
# `machine-my/x2dbox.scope`. As it also waits for paths that do not exist yet, there is no error: `ready` comes, and no event ever.
# A directory with such a name *below* a watched one is watched as it should be.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund chokidar@5.0.0 >> npm.log
cat > watch.mjs << 'JS'
import { mkdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from 'chokidar';

const names = ['machine-box.scope', 'machine-my\\x2dbox.scope'];
for (const name of names) mkdirSync(`cgroup/${name}`, { recursive: true });
for (const directory of [...names.map((name) => `cgroup/${name}`), 'cgroup']) {
  const seen = [];
  const watcher = watch(directory, { ignoreInitial: true });
  watcher.on('all', (event, path) => seen.push(`${event} ${path}`));
  watcher.on('error', (error) => seen.push(error.code));
  await new Promise((resolve) => watcher.once('ready', resolve));
  await sleep(300);
  for (const name of names) mkdirSync(`cgroup/${name}/payload`);
  await sleep(1_500);
  await watcher.close();
  for (const name of names) rmdirSync(`cgroup/${name}/payload`);
  console.log(`watch ${directory}: ready, ${seen.join(', ') || 'no event'}`);
}
JS
echo "chokidar 5.0.0, Node $(node --version)"
node watch.mjs | tee seen.txt
diff seen.txt - << 'SEEN'
watch cgroup/machine-box.scope: ready, addDir cgroup/machine-box.scope/payload
watch cgroup/machine-my\x2dbox.scope: ready, no event
watch cgroup: ready, addDir cgroup/machine-box.scope/payload, addDir cgroup/machine-my\x2dbox.scope/payload
SEEN

#!/usr/bin/env bash
# Node and chokidar say nothing when the kernel drops inotify events.
#
# The kernel queues at most fs.inotify.max_queued_events events and then adds one event that says that others are lost
# (IN_Q_OVERFLOW, inotify(7)). libuv looks for the watch that the event belongs to, finds none, as the event has none, and
# goes on. So neither fs.watch nor chokidar emits an error or anything else: a program that keeps its event loop busy while
# files come misses the rest and cannot know it. A watcher that must be right needs a periodic listing beside it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund node@24.9.0 chokidar@5.0.0 --allow-scripts=node >> npm.log 2>&1 ||
  npm install --silent --no-audit --no-fund node@24.9.0 chokidar@5.0.0 >> npm.log
node=$(find node_modules -path '*/bin/node' -type f -size +10M | head -n 1)

cat > watch.mjs << 'JS'
import { mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch as chokidarWatch } from 'chokidar';

const queue = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
const beyond = 5_000;
mkdirSync('watched');
const seen = { events: 0, errors: 0, raw: 0, chokidarErrors: 0 };
const plain = watch('watched', () => (seen.events += 1)).on('error', () => (seen.errors += 1));
const chokidar = chokidarWatch('watched', { depth: 0, ignoreInitial: true })
  .on('raw', () => (seen.raw += 1))
  .on('error', () => (seen.chokidarErrors += 1));
await new Promise((resolve) => chokidar.on('ready', resolve));
// Hard links of one file: each is one event (create), and the loop stays busy until all are there.
writeFileSync('file', '');
const { linkSync } = await import('node:fs');
for (let index = 0; index < queue + beyond; index += 1) linkSync('file', `watched/${index}`);
await sleep(3_000);
plain.close();
await chokidar.close();
console.log(`Node ${process.version}, libuv ${process.versions.uv}, chokidar 5.0.0`);
console.log(`links made: queue + ${beyond}; fs.watch: queue + ${seen.events - queue} events, ${seen.errors} errors`);
console.log(`chokidar: queue + ${seen.raw - queue} raw events, ${seen.chokidarErrors} errors`);
JS
"$node" watch.mjs | tee seen.txt
# Seen with Node 24.9.0, libuv 1.51.0, chokidar 5.0.0:
#   links made: queue + 5000; fs.watch: queue + 0 events, 0 errors
#   chokidar: queue + 0 raw events, 0 errors
grep -qx 'links made: queue + 5000; fs.watch: queue + 0 events, 0 errors' seen.txt
grep -qx 'chokidar: queue + 0 raw events, 0 errors' seen.txt

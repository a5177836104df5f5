#!/usr/bin/env bash
# V8 throws away the compiled code for objects of a class while there are no objects of it.
#
# An exporter makes thousands of readings in each scrape, keeps none, and then waits for 15 seconds. Optimised code refers weakly to the
# hidden class of the objects that it was made for. A few major collections without any such object (as in a process that has become idle:
# `Mark-Compact (reduce)` of --trace-gc), and V8 marks that code `for deoptimization, reason: weak objects`. The next scrape is
# interpreted. One object that is kept prevents all of it. A benchmark without pauses never shows this.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
cat > scrape.mjs <<'PROGRAM'
import { setTimeout } from 'node:timers/promises';
class Reading {
  constructor(value, unit) {
    this.value = value;
    this.unit = unit;
  }
  scaled(by) {
    return this.value * by;
  }
}
function scrape() {
  const readings = [];
  for (let index = 0; index < 20_000; index += 1) readings.push(new Reading(index, 'bytes'));
  let sum = 0;
  for (const reading of readings) sum += reading.scaled(2);
  return sum;
}
const kept = process.argv[2] === 'one' ? new Reading(1, 'bytes') : undefined;
for (let round = 0; round < 300; round += 1) scrape();
await setTimeout(300);
console.log('warm');
for (let round = 0; round < 6; round += 1) {
  globalThis.gc();
  await setTimeout(20);
}
const start = performance.now();
scrape();
console.log(`next ${(performance.now() - start).toFixed(1)} ms`, kept?.unit ?? '');
PROGRAM
for version in 20.20.2 22.20.0 24.9.0; do
  npm install --silent --no-audit --no-fund --prefix "v$version" "node@$version" >> npm.log 2>&1
  node=$(find "v$version" -path '*/bin/node' -type f -size +10M | head -n 1)
  for kept in no one; do
    "$node" --expose-gc --trace-deopt scrape.mjs "$kept" | sed -n '/^warm$/,$p' > trace.txt
    discarded=$(grep -cE 'for deoptimization, reason: (embedded )?weak objects' trace.txt || true)
    echo "Node $("$node" --version), $kept object kept: $discarded functions discarded, $(grep -o 'next .* ms' trace.txt)"
  done
done | tee seen.txt
# Seen, on x86-64, on a busy machine; the times differ, the numbers of functions hardly:
#   Node v20.20.2, no object kept: 2 functions discarded, next 5.7 ms
#   Node v20.20.2, one object kept: 0 functions discarded, next 0.4 ms
#   Node v22.20.0, no object kept: 2 functions discarded, next 138.7 ms
#   Node v22.20.0, one object kept: 0 functions discarded, next 0.6 ms
#   Node v24.9.0, no object kept: 3 functions discarded, next 4.0 ms
#   Node v24.9.0, one object kept: 0 functions discarded, next 0.4 ms
[ "$(grep -cE 'no object kept: [1-9]' seen.txt)" = 3 ]
[ "$(grep -c 'one object kept: 0 ' seen.txt)" = 3 ]

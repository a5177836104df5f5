// Saves states as fast as it can until somebody kills it. It says what it loaded, which save has begun and which is complete. The kills of all
// records add up to the count, so that a state with a part of another one shows.
// Usage: node --import tsx state-writer.ts FILE
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { StateFile } from '../../src/oom/state-file.ts';

const RECORDS = 50;
// A change is 2 kB, so that the file is rewritten after 50 of them.
const PADDING = 'x'.repeat(2_000);

const [path = ''] = process.argv.slice(2);
const say = (line: string): unknown => writeSync(1, `${line}\n`);
const warn = (_: object, message: string): unknown => say(`log ${message}`);
const file = new StateFile(path, { debug() {}, info() {}, error: warn, warn });
const loaded = file.load((entries) => Object.fromEntries(entries));
let [count, sum] = [0, 0];
for (const [key, value] of Object.entries(loaded ?? {})) {
  if (key === 'count') count = Number(value);
  if (key.startsWith('record:')) sum += (value as { readonly kills: number }).kills;
}
say(`loaded ${count} ${sum}`);

for (;;) {
  count += 1;
  const entries = new Map([['count', JSON.stringify(count)]]);
  for (let nth = 0; nth < RECORDS; nth += 1) {
    const kills = Math.floor((count + nth) / RECORDS);
    entries.set(`record:/docker/${nth}#1`, JSON.stringify({ kills, PADDING }));
  }
  say(`begins ${count}`);
  // It refuses a save until the one before is complete.
  while (!file.save(entries)) await setImmediate();
  say(`complete ${count - 1}`);
}

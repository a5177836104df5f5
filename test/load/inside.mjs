// Loaded into the exporter (`--expose-gc --import`). On SIGUSR2 it collects all garbage and writes what is left into the file that the
// environment names. Nobody can count timers from outside: those that do not keep the process running are in no metric.
import { renameSync, writeFileSync } from 'node:fs';
import { queryObjects } from 'node:v8';

const file = process.env.LOAD_INSIDE_FILE;
const Timeout = setTimeout(() => {}, 0).unref().constructor;

process.on('SIGUSR2', () => {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const timers = queryObjects(Timeout, { format: 'count' });
  writeFileSync(`${file}.new`, JSON.stringify({ heap: heapUsed + arrayBuffers, timers }));
  renameSync(`${file}.new`, file);
});

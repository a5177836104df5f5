import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Gauge, Registry } from 'prom-client';
import { answer } from './child.ts';
import type { FilePath } from './kernel-files.ts';
import { costOfThis } from './statistics.ts';

/** The obvious implementation: an awaited read of each file, a gauge for each file, and the registry's own text. */
answer((task) => {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  const gaugeOf = (file: string): Gauge => {
    const name = file.replaceAll('.', '_');
    const known = gauges.get(name);
    if (known !== undefined) return known;
    const gauge = new Gauge({ name, help: file, labelNames: ['container', 'key'], registers: [registry] });
    gauges.set(name, gauge);
    return gauge;
  };
  const readOne = async ({ path, samples }: FilePath, container: string): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return;
    const gauge = gaugeOf(basename(path));
    for (const line of text.trim().split('\n').slice(0, samples)) {
      const fields = line.split(' ');
      const value = Number(fields.at(-1));
      gauge.set({ container, key: fields[0] ?? '' }, Number.isNaN(value) ? 0 : value);
    }
  };
  const round = async (): Promise<void> => {
    await Promise.all(
      task.map((files, index) => Promise.all(files.map((file) => readOne(file, `container-${index}`)))),
    );
    await registry.metrics();
  };
  return () => costOfThis(round);
});

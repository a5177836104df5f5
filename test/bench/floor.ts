import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { descriptorBudget } from '../../src/kernel/descriptor-limit.ts';
import { absentAsUndefined } from '../../src/kernel/errno.ts';
import { answer } from './child.ts';
import { costOfThis } from './statistics.ts';

/** The minimum work of a scrape: one pread for each file that exists, without parsing. */
answer((task) => {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  const budget = descriptorBudget(readFileSync('/proc/self/limits', 'utf8'));
  const kept: number[] = [];
  const overBudget: string[] = [];
  for (const { path } of task.flat()) {
    const descriptor = absentAsUndefined(() => openSync(path, 'r'));
    if (descriptor === undefined) continue;
    if (kept.length < budget) {
      kept.push(descriptor);
      continue;
    }
    closeSync(descriptor);
    overBudget.push(path);
  }
  const round = (): void => {
    for (const descriptor of kept) readSync(descriptor, buffer, 0, buffer.length, 0);
    for (const path of overBudget) {
      const descriptor = openSync(path, 'r');
      readSync(descriptor, buffer, 0, buffer.length, 0);
      closeSync(descriptor);
    }
  };
  return () => costOfThis(round);
});

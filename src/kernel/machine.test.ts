import { expect, test } from 'vitest';
import { countOnlineCpus, parseMeminfo } from './machine.ts';

test('memory is in bytes, and absent if the kernel does not say', () => {
  const meminfo = 'MemTotal:        8129492 kB\nMemFree:          312008 kB\nSwapTotal:             0 kB\n';
  expect(parseMeminfo(meminfo, 'MemTotal')).toBe(8_129_492 * 1024);
  expect(parseMeminfo(meminfo, 'SwapTotal')).toBe(0);
  expect(parseMeminfo('MemFree: 1 kB\n', 'MemTotal')).toBeUndefined();
});

test('each CPU that is online has a line, beside the sum of all', () => {
  expect(
    countOnlineCpus('cpu  3 0 1 9 0 0 4 0 0 0\ncpu0 1 0 0 4 0 0 2 0 0 0\ncpu2 2 0 1 5 0 0 2 0 0 0\nintr 5 cpu1 \n'),
  ).toBe(2);
  expect(countOnlineCpus('')).toBeUndefined();
});

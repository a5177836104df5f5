import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { oomKillsIn } from './vmstat.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('oomKillsIn', () => {
  it('finds the kills of a real host', () => {
    const text = readFileSync('/proc/vmstat', 'utf8');
    expect(oomKillsIn(bytes(text))).toBe(Number(/^oom_kill (\d+)$/m.exec(text)?.[1]));
  });

  it.each([
    ['pgmajfault 1532\noom_kill 3\nnuma_hit 8120331\n', 3],
    ['oom_kill 12\nnuma_hit 1\n', 12],
    ['a 1\noom_kill 18446744073709551615', 2 ** 64],
    ['a_oom_kill 1\nxoom_kill 2\noom_kill 3\n', 3],
    ['a 1\noom_kill_extra 5\n', undefined],
    ['pgmajfault 1532\n', undefined],
    ['', undefined],
  ])('reads %j', (text, kills) => expect(oomKillsIn(bytes(text))).toBe(kills));

  it.each(['oom_kill \n', 'a 1\noom_kill many\n', 'a 1\noom_kill -1\n'])('refuses %j', (text) =>
    expect(() => oomKillsIn(bytes(text))).toThrow(SyntaxError),
  );
});

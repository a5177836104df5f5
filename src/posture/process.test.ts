import { describe, expect, it } from 'vitest';
import { LabelReader } from './process.ts';

const files = (texts: Readonly<Record<string, string>>) => ({ text: (name: string) => texts[name] });
const deny = (): never => {
  throw new Error('denied');
};

describe('the label of a security module', () => {
  it.each([
    ['the profile', { stat: '1 (sh) S', 'attr/current': 'docker-default (enforce)\n' }, 'apparmor'],
    ['none on a kernel without security modules', { stat: '1 (sh) S' }, 'none'],
    ['unknown of a process that has ended', {}, undefined],
  ] as const)('is %s', (_, texts, lsm) => {
    expect(new LabelReader().read(files(texts), deny)?.lsm).toBe(lsm);
  });
});

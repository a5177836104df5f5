import { describe, expect, it } from 'vitest';
import { parseKmsgRecord } from './kmsg-record.ts';

describe('parseKmsgRecord', () => {
  it('reads the record and skips the lines about a device', () => {
    expect(parseKmsgRecord('6,458,348413378,-,caller=T1;text; more\n SUBSYSTEM=pci\n DEVICE=+pci:0000\n')).toEqual({
      sequence: 458,
      time: 348_413_378,
      fromKernel: true,
      isContinuation: false,
      text: 'text; more',
    });
  });

  it('throws for malformed text', () => {
    expect(() => parseKmsgRecord('6,x,1,-;text')).toThrow(SyntaxError);
    expect(() => parseKmsgRecord('')).toThrow(SyntaxError);
  });

  it.each([
    ['-', false],
    ['c', true],
    ['+', true],
    ['c,caller=T1', true],
  ])('reads the flags %j', (flags, isContinuation) => {
    expect(parseKmsgRecord(`6,1,1,${flags};text\n`)).toMatchObject({ isContinuation, text: 'text' });
  });
});

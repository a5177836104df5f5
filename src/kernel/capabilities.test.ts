import { describe, expect, test } from 'vitest';
import { capabilityNames, parseCapabilitySet } from './capabilities.ts';

const capabilitiesIn = (text: string): string[] => capabilityNames(parseCapabilitySet(text));

describe('capabilities', () => {
  test.each([
    ['0000000000000000', []],
    ['0000000000000001', ['CHOWN']],
    ['0000000400080000', ['SYS_PTRACE', 'SYSLOG']],
    ['0000018000000000', ['BPF', 'CHECKPOINT_RESTORE']],
    // This bit is the first one that the list does not name yet.
    ['0000020000000000', ['41']],
  ])('%s', (hex, names) => {
    expect(capabilitiesIn(hex)).toEqual(names);
  });

  test('of a container of Docker are these fourteen', () => {
    expect(capabilitiesIn('00000000a80425fb').join(' ')).toBe(
      'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP',
    );
  });

  test.each(['', 'xyz', '-1', '0x1', '00000000000000001'])('%j is refused', (hex) => {
    expect(() => capabilitiesIn(hex)).toThrow(SyntaxError);
  });
});

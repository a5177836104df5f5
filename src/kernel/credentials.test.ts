import { describe, expect, test } from 'vitest';
import { capabilitiesIn } from './capabilities.ts';
import { parseCredentials } from './credentials.ts';

describe('capabilities', () => {
  test.each([
    ['0000000000000000', []],
    ['0000000000000001', ['CHOWN']],
    ['0000000400080000', ['SYS_PTRACE', 'SYSLOG']],
    ['0000018000000000', ['BPF', 'CHECKPOINT_RESTORE']],
    // The first that this list does not have yet.
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

describe('credentials', () => {
  const status =
    'Name:\tnode\nUmask:\t0022\nState:\tR (running)\nTgid:\t7\nPid:\t7\nPPid:\t5\nUid:\t1000\t65534\t1000\t0\nGid:\t0\t0\t0\t0\n' +
    'CapInh:\t0000000000000000\nCapPrm:\t0000000000080000\nCapEff:\t0000000000080000\nCapBnd:\t0000000400080000\n';

  test('are the effective ones', () => {
    expect(parseCredentials(status)).toEqual({
      uid: 65534,
      ppid: 5,
      effective: ['SYS_PTRACE'],
      bounding: ['SYS_PTRACE', 'SYSLOG'],
    });
  });

  test.each(['Uid', 'PPid', 'CapEff', 'CapBnd'])('without %s there are none', (key) => {
    expect(() => parseCredentials(status.replace(`\n${key}:`, '\nOther:'))).toThrow(SyntaxError);
  });
});

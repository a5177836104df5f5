import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capabilityNames, capabilitySet, parseCapabilitySet } from './capabilities.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { parseDevicesList } from './devices-list.ts';
import { parseLsmLabel } from './lsm-label.ts';
import { parseListeningPaths } from './net-unix.ts';
import { parseProcLimits } from './proc-limits.ts';
import { insideOf, isIdentityMap, outsideOf, parseIdMap } from './uid-map.ts';

describe('every parser', () => {
  const parsers: Record<string, (input: string) => unknown> = {
    parseCapabilitySet,
    parseDevicesList,
    parseLsmLabel,
    parseListeningPaths,
    parseProcLimits,
    parseIdMap,
    parseCgroupProcs: (input) => parseCgroupProcs(Buffer.from(input)),
  };
  const kernelLike = fc
    .array(
      fc.constantFrom('Uid:\t', 'CapBnd:\t', '0', '00ff', 'a *:* rwm', ' ', '\n', '\t', ':', '(', ')', '/run', '\0'),
    )
    .map((words) => words.join(''));

  it.each(Object.entries(parsers))('%s returns or throws a SyntaxError for any input', (_, parse) => {
    fc.assert(
      fc.property(fc.oneof(kernelLike, fc.string()), (input) => {
        try {
          parse(input);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe('capabilities', () => {
  it('have the names of the kernel', () => {
    expect(capabilityNames(parseCapabilitySet('00000000a80425fb')).join(' ')).toBe(
      'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP',
    );
    expect(capabilityNames(parseCapabilitySet('000001ffffffffff'))).toHaveLength(41);
    expect(capabilityNames(parseCapabilitySet('0000010000000000'))).toEqual(['CHECKPOINT_RESTORE']);
    expect(capabilityNames(0n)).toEqual([]);
  });
  it('newer than this program have a number', () =>
    expect(capabilityNames(parseCapabilitySet('8000020000000000'))).toEqual(['41', '63']));
  it('by name', () => expect(capabilitySet('CHOWN', 'SYS_ADMIN')).toBe((1n << 21n) | 1n));
  it.each(['', '0', '00000000A80425FB', '00000000a80425fb0'])('%j are refused', (text) =>
    expect(() => parseCapabilitySet(text)).toThrow(SyntaxError),
  );
});

describe('parseLsmLabel()', () => {
  it.each([
    ['docker-default (enforce)\n', { lsm: 'apparmor', profile: 'docker-default', mode: 'enforce' }],
    ['unconfined\n', { lsm: 'apparmor', profile: 'unconfined', mode: '' }],
    ['/usr/bin/x (y) (complain)\n', { lsm: 'apparmor', profile: '/usr/bin/x (y)', mode: 'complain' }],
    [
      'lxc-c1_</var/lib/lxc>//&:lxc-c1_<-var-lib-lxc>:unconfined (mixed)\n',
      { lsm: 'apparmor', profile: 'lxc-c1_</var/lib/lxc>//&:lxc-c1_<-var-lib-lxc>:unconfined', mode: 'mixed' },
    ],
    ['system_u:system_r:container_t:s0:c1,c2\0', { lsm: 'selinux', type: 'container_t', level: 's0:c1,c2' }],
    [
      'unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023\0',
      { lsm: 'selinux', type: 'unconfined_t', level: 's0-s0:c0.c1023' },
    ],
    ['_\n', { lsm: 'other', label: '_' }],
    ['', { lsm: 'none' }],
  ])('%j', (text, expected) => expect(parseLsmLabel(text)).toEqual(expected));
});

describe('id maps', () => {
  const remapped = parseIdMap('         0     100000      65536\n');
  const keepId = parseIdMap('0 200000 1000\n1000 1000 1\n1001 201000 64536\n');
  it('map in both directions', () => {
    expect(outsideOf(remapped, 0)).toBe(100_000);
    expect(outsideOf(remapped, 65_536)).toBeUndefined();
    expect(insideOf(keepId, 1000)).toBe(1000);
    expect(insideOf(keepId, 0)).toBeUndefined();
    expect(outsideOf(keepId, 1001)).toBe(201_000);
  });
  it('are recognised as the identity', () => {
    expect(isIdentityMap(parseIdMap('         0          0 4294967295\n'))).toBe(true);
    expect(isIdentityMap(parseIdMap('0 0 1\n'))).toBe(false);
    expect(isIdentityMap(parseIdMap(''))).toBe(false);
  });
  it('refuses malformed ranges', () => {
    for (const text of ['0 0\n', '0 0 -1\n', 'x y z\n']) expect(() => parseIdMap(text)).toThrow(SyntaxError);
  });
});

describe('parseDevicesList()', () => {
  it('reads rules', () =>
    expect(parseDevicesList('a *:* rwm\nc 136:* rwm\nb *:* m\n')).toEqual([
      { type: 'a', major: undefined, minor: undefined, access: 'rwm' },
      { type: 'c', major: 136, minor: undefined, access: 'rwm' },
      { type: 'b', major: undefined, minor: undefined, access: 'm' },
    ]));
  it('refuses others', () => expect(() => parseDevicesList('c 136 rwm\n')).toThrow(SyntaxError));
});

describe('parseListeningPaths()', () => {
  it('finds paths without duplicates', () => {
    const lines = [
      'Num       RefCount Protocol Flags    Type St Inode Path',
      '0000000024fb1dc1: 00000002 00000000 00010000 0001 01 22419 /run/docker.sock',
      '0000000024fb1dc2: 00000002 00000000 00010000 0001 01 22420 /run/docker.sock',
      '0000000024fb1dc3: 00000003 00000000 00000000 0001 03   420 /run/client.sock',
      '0000000024fb1dc4: 00000002 00000000 00010000 0001 01 22421 @/tmp/abstract',
      '0000000024fb1dc5: 00000002 00000000 00010000 0001 01 22422 relative.sock',
      '000000007a17cbcd: 00000003 00000000 00000000 0001 03 166108',
      '0000000024fb1dc6: 00000002 00000000 00010000 0005 01 22423 /run/with a space',
      '/run/forged.sock',
      '0000000024fb1dc7: x',
      '0000000024fb1dc8: 00000002 00000000 00010000 0001 01 22424 /run/of\rany\u2028process',
      '',
    ];
    expect(parseListeningPaths(lines.join('\n'))).toEqual([
      '/run/docker.sock',
      '/run/with a space',
      '/run/of\rany\u2028process',
    ]);
  });
  it('finds none in an empty file', () => expect(parseListeningPaths('')).toEqual([]));
  it('refuses another format', () =>
    expect(() => parseListeningPaths('Number\n0000000024fb1dc1: x\n')).toThrow(SyntaxError));
});

describe('parseProcLimits()', () => {
  it('reads both limits', () => {
    const text =
      'Limit                     Soft Limit           Hard Limit           Units     \n' +
      'Max cpu time              unlimited            unlimited            seconds   \n' +
      'Max open files            1024                 524288               files     \n' +
      'Max nice priority         0                    0                    \n';
    expect([...parseProcLimits(text)]).toEqual([
      ['Max cpu time', { soft: Infinity, hard: Infinity }],
      ['Max open files', { soft: 1024, hard: 524_288 }],
      ['Max nice priority', { soft: 0, hard: 0 }],
    ]);
  });
  it('refuses a line without', () => expect(() => parseProcLimits('Limit\nMax x y\n')).toThrow(SyntaxError));
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBlkio } from './blkio.ts';
import { countCpuList } from './cpu-list.ts';
import { parseCpuMax } from './cpu-max.ts';
import { descriptorBudget } from './descriptor-limit.ts';
import { parseDiskNames } from './diskstats.ts';
import { areMalformed, flatKeyedParser } from './flat-keyed.ts';
import { parseIoStat } from './io-stat.ts';
import { hasOption, parseMountinfo } from './mountinfo.ts';
import { parseNetDev } from './net-dev.ts';
import { parseIrqPressure, parsePressure } from './pressure.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { parseMisc, parseRdma } from './resource-values.ts';
import { parseCount, parseLimit, parseSwitch, parseV1Limit, parseV1Period, parseV1Quota } from './single-value.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('every parser', () => {
  const parsers: Record<string, (input: Uint8Array) => unknown> = {
    parseBlkio,
    countCpuList,
    parseCpuMax,
    parseIoStat,
    parseNetDev,
    parsePressure,
    parseCount,
    parseLimit,
    parseSwitch,
    parseIrqPressure,
    parseMisc,
    parseRdma,
    parseV1Limit,
    parseV1Quota,
    parseV1Period,
    parseCgroupProcs,
    flatKeyed: flatKeyedParser(['some', 'key', '']),
    parseMountinfo: (input) => parseMountinfo(Buffer.from(input).toString('latin1')),
    parseDiskNames: (input) => parseDiskNames(Buffer.from(input).toString('latin1')),
    descriptorBudget: (input) => descriptorBudget(Buffer.from(input).toString('latin1')),
  };
  const kernelLike = fc
    .array(
      fc.constantFrom(
        'some',
        'total=',
        'max',
        '8:0',
        'rbytes=',
        ' ',
        '\n',
        '-',
        ':',
        ',',
        '0',
        '42',
        'x',
        '\0',
        '\xff',
      ),
    )
    .map((words) => words.join(''));

  it.each(Object.entries(parsers))('%s returns or throws a SyntaxError for any input', (_, parse) => {
    const property = (input: Uint8Array): void => {
      try {
        parse(input);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), property));
    fc.assert(fc.property(kernelLike, (text) => property(Buffer.from(text, 'latin1'))));
  });
});

describe('parseCount()', () => {
  it.each([
    ['67108864\n', 67108864],
    ['0', 0],
    ['9223372036854771712\n', 9223372036854771712],
  ])('reads %j', (text, value) => expect(parseCount(bytes(text))).toBe(value));

  it.each(['', '\n', 'max\n', '-1\n', '-0\n', '+1\n', '12 34\n', '1\n2\n', '-\n', '0x10\n', '1.5\n', '1e3\n', 'NaN\n'])(
    'refuses %j',
    (text) => expect(() => parseCount(bytes(text))).toThrow(SyntaxError),
  );

  it.each(['18446744073709551615\n', '18446744073709547520\n'])(
    'refuses a negative number without its sign: %j',
    (text) => expect(() => parseCount(bytes(text))).toThrow(SyntaxError),
  );

  it.each(['36893488147419103232\n', `${'9'.repeat(400)}\n`])('refuses more than 64 bits: %j', (text) =>
    expect(() => parseCount(bytes(text))).toThrow(SyntaxError),
  );

  it('reads every count of the kernel that a number can hold', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => parseCount(bytes(`${value}\n`)) === value));
  });
});

describe('parseLimit()', () => {
  it.each([
    ['67108864\n', 67108864],
    ['max\n', Infinity],
    ['0\n', 0],
    ['9223372036854771712\n', Infinity],
    ['18446744073709551615\n', Infinity],
  ])('reads %j', (text, value) => expect(parseLimit(bytes(text))).toBe(value));

  it.each(['', '-1\n', 'maximum\n', 'MAX\n', 'max 1\n', 'infinity\n', `${'9'.repeat(30)}\n`])('refuses %j', (text) =>
    expect(() => parseLimit(bytes(text))).toThrow(SyntaxError),
  );
});

describe('the quota of v1', () => {
  it('is unlimited at -1, and at nothing else', () => {
    expect(parseV1Quota(bytes('-1\n'))).toBe(Infinity);
    expect(parseV1Quota(bytes('50000\n'))).toBe(50_000);
    for (const text of ['-2\n', '0\n', 'max\n', '']) expect(() => parseV1Quota(bytes(text))).toThrow(SyntaxError);
  });

  it('has a period that is not 0', () => {
    expect(parseV1Period(bytes('100000\n'))).toBe(100_000);
    for (const text of ['0\n', '-1\n', 'max\n']) expect(() => parseV1Period(bytes(text))).toThrow(SyntaxError);
  });
});

describe('values that no kernel writes', () => {
  const parse = flatKeyedParser(['nr_throttled']);
  it.each<readonly [string, () => unknown]>([
    ['a negative counter', () => parse(bytes('nr_throttled -1\n'))],
    ['max in a counter', () => parse(bytes('nr_throttled max\n'))],
    ['a counter of more than 64 bits', () => parse(bytes(`nr_throttled ${'9'.repeat(25)}\n`))],
    ['NaN in a counter', () => parse(bytes('nr_throttled NaN\n'))],
    ['a quota of 0', () => parseCpuMax(bytes('0 100000\n'))],
    ['a negative quota', () => parseCpuMax(bytes('-1 100000\n'))],
    ['a quota that only begins like max', () => parseCpuMax(bytes('mix 100000\n'))],
    ['a second line of a quota', () => parseCpuMax(bytes('50000 100000\n1 1\n'))],
    ['a negative CPU', () => countCpuList(bytes('-1\n'))],
    ['CPUs that nobody has', () => countCpuList(bytes('0-18446744073709551615\n'))],
    ['CPUs in no order', () => countCpuList(bytes('4,0-2\n'))],
    ['a CPU twice', () => countCpuList(bytes('0-3,2\n'))],
    ['negative bytes of a disk', () => parseIoStat(bytes('8:0 rbytes=-1 wbytes=0 rios=0 wios=0\n'))],
    ['too many bytes of a disk', () => parseIoStat(bytes(`8:0 rbytes=${'9'.repeat(25)}\n`))],
    ['negative bytes of a v1 disk', () => parseBlkio(bytes('8:0 Read -1\nTotal 0\n'))],
    ['too many bytes of a v1 disk', () => parseBlkio(bytes(`8:0 Read ${'9'.repeat(25)}\n`))],
    [
      'too long a pressure',
      () => parsePressure(bytes(`some avg10=0.00 avg60=0.00 avg300=0.00 total=${'9'.repeat(25)}\n`)),
    ],
    ['negative traffic', () => parseNetDev(bytes(`a\nb\n eth0: -1 ${'0 '.repeat(15)}\n`))],
    ['too much traffic', () => parseNetDev(bytes(`a\nb\n eth0: ${'9'.repeat(25)} ${'0 '.repeat(15)}\n`))],
    ['a pid in another notation', () => parseCgroupProcs(bytes('0x10\n'))],
    ['a negative pid', () => parseCgroupProcs(bytes('-5\n'))],
    ['a pid that no kernel has', () => parseCgroupProcs(bytes('4194305\n'))],
  ])('are refused: %s', (_, parseIt) => {
    expect(parseIt).toThrow(SyntaxError);
  });

  it('do not include an empty list of CPUs, which says nothing', () => {
    expect(countCpuList(bytes('\n'))).toBeUndefined();
  });
});

describe('parseV1Limit()', () => {
  it('knows "no limit" with pages of 4 KiB and of 64 KiB, and of old kernels', () => {
    expect(parseV1Limit(bytes('18446744073709551615\n'))).toBe(Infinity);
    expect(parseV1Limit(bytes('9223372036854771712\n'))).toBe(Infinity);
    expect(parseV1Limit(bytes('9223372036854710272\n'))).toBe(Infinity);
    expect(parseV1Limit(bytes('67108864\n'))).toBe(67108864);
  });
});

describe('flatKeyedParser()', () => {
  const parse = flatKeyedParser(['usage_usec', 'nr_throttled', 'throttled_usec']);

  it('reads the requested keys in any order and skips the others', () => {
    expect(parse(bytes('nr_throttled 17\nnr_periods 20\nusage_usec 2301574\n'))).toEqual({
      usage_usec: 2301574,
      nr_throttled: 17,
      throttled_usec: undefined,
    });
  });

  it('skips lines of another form, which some kernels have at the end of memory.stat', () => {
    const text = 'usage_usec 7\nAnon:\t      340432 kB\nzram:                    0 kB \nnr_throttled 1\n';
    expect(parse(bytes(text))).toMatchObject({ usage_usec: 7, nr_throttled: 1 });
  });

  it('does not confuse keys with a common prefix or suffix', () => {
    expect(parse(bytes('usage_usec2 1\nxusage_usec 2\nusage_use 3\n')).usage_usec).toBeUndefined();
  });

  it('reads a last line without a newline, and an empty file', () => {
    expect(parse(bytes('usage_usec 1')).usage_usec).toBe(1);
    expect(parse(bytes('')).usage_usec).toBeUndefined();
  });

  it.each([
    'usage_usec -4096\n',
    'usage_usec 18446744073709547520\n',
    'usage_usec\n',
    'usage_usec x\n',
    'usage_usec \n',
    'usage_usec 1 2\n',
    '\n',
    'a 1\n\n',
  ])('refuses %j', (text) => expect(() => parse(bytes(text))).toThrow(SyntaxError));

  it.each(['-4096', '18446744073709547520', 'x', ''])('reads the other keys if one has the value %j', (value) => {
    const noted: SyntaxError[] = [];
    const found = parse(bytes(`usage_usec 7\nnr_throttled ${value}\n`), (error) => noted.push(error));
    expect(found).toMatchObject({ usage_usec: 7, nr_throttled: undefined });
    expect(noted).toEqual([expect.objectContaining({ message: expect.stringContaining('nr_throttled') })]);
    expect(areMalformed(found, ['nr_throttled'])).toBe(true);
    expect(areMalformed(found, ['usage_usec', 'throttled_usec'])).toBe(false);
    expect(areMalformed(parse(bytes('usage_usec 7\n')), ['nr_throttled'])).toBe(false);
  });

  it('reads back what was rendered', () => {
    const keys = ['anon', 'file', 'pgfault', 'inactive_file', 'total_rss'] as const;
    const values = fc.record({
      anon: fc.nat(),
      file: fc.nat(),
      pgfault: fc.nat(),
      inactive_file: fc.nat(),
      total_rss: fc.nat(),
    });
    fc.assert(
      fc.property(values, fc.shuffledSubarray([...keys], { minLength: 5 }), (record, order) => {
        const text = order.map((key) => `${key} ${record[key]}\n`).join('');
        expect(flatKeyedParser(keys)(bytes(text))).toEqual(record);
      }),
    );
  });
});

describe('parseCpuMax()', () => {
  it('is in cores', () => {
    expect(parseCpuMax(bytes('50000 100000\n'))).toBe(0.5);
    expect(parseCpuMax(bytes('max 100000\n'))).toBe(Infinity);
  });

  it.each(['', 'max\n', '50000\n', '50000 0\n', '50000 -1\n', 'x 100000\n'])('refuses %j', (text) =>
    expect(() => parseCpuMax(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parsePressure()', () => {
  const some = 'some avg10=0.00 avg60=0.06 avg300=0.21 total=8537362\n';
  const full = 'full avg10=0.00 avg60=0.13 avg300=0.96 total=8183134\n';

  it('reads both lines', () => expect(parsePressure(bytes(some + full))).toEqual({ some: 8537362, full: 8183134 }));
  it('works without the full line that kernels before 5.13 lack for cpu', () =>
    expect(parsePressure(bytes(some))).toEqual({ some: 8537362, full: undefined }));
  it.each([
    '',
    full,
    'some avg10=0.00\n',
    'some total=x\n',
    `some avg10=0.00\n${full}`,
    `${some}full\n`,
    'some total=\n',
  ])('refuses %j', (text) => expect(() => parsePressure(bytes(text))).toThrow(SyntaxError));
});

describe('parseIrqPressure()', () => {
  it('reads the one line', () =>
    expect(parseIrqPressure(bytes('full avg10=0.00 avg60=0.00 avg300=0.00 total=32210\n'))).toBe(32_210));
  it.each(['', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n', 'full total=\n'])('refuses %j', (text) =>
    expect(() => parseIrqPressure(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parseMisc()', () => {
  it('reads each resource, and max as no limit', () =>
    expect([...parseMisc(bytes('sev 10\nsev_es max\ntdx.max 0\n'))]).toEqual([
      ['sev', 10],
      ['sev_es', Infinity],
      ['tdx.max', 0],
    ]));
  it('finds nothing on a host that has no such resource', () => expect(parseMisc(bytes('')).size).toBe(0));
  it.each(['sev\n', 'sev x\n', ' 1\n', 'sev 1 2\n', 'sev -1\n'])('refuses %j', (text) =>
    expect(() => parseMisc(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parseRdma()', () => {
  it('reads each resource of each device', () =>
    expect(parseRdma(bytes('mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=max\n'))).toEqual([
      { device: 'mlx4_0', resource: 'hca_handle', value: 2 },
      { device: 'mlx4_0', resource: 'hca_object', value: 2000 },
      { device: 'ocrdma1', resource: 'hca_handle', value: 3 },
      { device: 'ocrdma1', resource: 'hca_object', value: Infinity },
    ]));
  it('reads the space that the kernel writes after each pair', () =>
    expect(parseRdma(bytes('mlx5_0 hca_handle=2 hca_object=max \n'))).toEqual([
      { device: 'mlx5_0', resource: 'hca_handle', value: 2 },
      { device: 'mlx5_0', resource: 'hca_object', value: Infinity },
    ]));
  it.each(['mlx4_0 x\n', 'mlx4_0 a=b\n', 'mlx4_0 =1\n', 'mlx4_0 a=1=2\n'])('refuses %j', (text) =>
    expect(() => parseRdma(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parseIoStat()', () => {
  it('reads devices, also where a kernel forgot the newline after one without I/O', () => {
    const text =
      '8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n' +
      '253:1 253:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=12\n';
    expect(parseIoStat(bytes(text))).toEqual([
      { device: '8:16', readBytes: 1459200, writeBytes: 314773504, reads: 192, writes: 353 },
      { device: '253:0', readBytes: 4096, writeBytes: 0, reads: 1, writes: 0 },
    ]);
  });

  it('leaves out a device whose counts are not there yet', () =>
    expect(parseIoStat(bytes('8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n252:0 '))).toHaveLength(1));

  it('leaves out devices that have no number', () => {
    const text =
      '(unknown) rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n' +
      '8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n(unknown) \n' +
      '(unknown) rbytes=8192 wbytes=0 rios=2 wios=0 dbytes=0 dios=0\n';
    expect(parseIoStat(bytes(text))).toEqual([{ device: '8:16', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }]);
  });

  it.each(['rbytes=1\n', '8:0 rbytes=x\n', '8:0 rbytes=\n', 'sda rbytes=1\n'])('refuses %j', (text) =>
    expect(() => parseIoStat(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parseBlkio()', () => {
  it('counts each direction once', () => {
    const text =
      '254:0 Read 4096\n254:0 Write 512\n254:0 Sync 4608\n254:0 Async 0\n254:0 Discard 0\n254:0 Total 4608\nTotal 4608\n';
    expect(parseBlkio(bytes(text))).toEqual([{ device: '254:0', read: 4096, write: 512 }]);
  });

  it('leaves out devices that have no number', () => {
    const text = '(unknown) Read 4096\n(unknown) Total 4096\n254:0 Read 1\n254:0 Write 2\nTotal 4099\n';
    expect(parseBlkio(bytes(text))).toEqual([{ device: '254:0', read: 1, write: 2 }]);
  });

  it('reads an empty file as no device', () => expect(parseBlkio(bytes('Total 0\n'))).toEqual([]));
  it.each(['vda Read 1\n', '254:0 Read \n', '254:0 Read\n', '254:0 Read 1 2\n'])('refuses %j', (text) =>
    expect(() => parseBlkio(bytes(text))).toThrow(SyntaxError),
  );
});

describe('countCpuList()', () => {
  it.each([
    ['0-3\n', 4],
    ['0,2-5,8\n', 6],
    ['0\n', 1],
  ])('counts %j', (text, count) => expect(countCpuList(bytes(text))).toBe(count));

  it.each(['3-1\n', 'a\n', '0-\n', '0,,1\n', '0,\n', '-1\n', '0--1\n', '0 1\n'])('refuses %j', (text) =>
    expect(() => countCpuList(bytes(text))).toThrow(SyntaxError),
  );
});

describe('parseNetDev()', () => {
  const header = 'Inter-|   Receive  |  Transmit\n face |bytes packets |bytes packets\n';

  it('reads interfaces, with or without space after the colon', () => {
    const text = `${header}    lo:    2048      16    0    0    0     0          0         0     2048      16    0    0    0     0       0          0\n  eth0:1296432    8127    1    3    0     0          0         0   642111    4410    4    5    0     0       0          0\n`;
    expect(parseNetDev(bytes(text))[1]).toEqual({
      name: 'eth0',
      receive: { bytes: 1296432, packets: 8127, errors: 1, dropped: 3 },
      transmit: { bytes: 642111, packets: 4410, errors: 4, dropped: 5 },
    });
  });

  it.each(['eth0: 1 2', `eth0: ${'1 '.repeat(15)}0x1`])('refuses %j', (line) =>
    expect(() => parseNetDev(bytes(`${header}${line}\n`))).toThrow(SyntaxError),
  );
});

describe('parseMountinfo()', () => {
  it('reads fields, propagation and escapes', () => {
    const line =
      '60 52 254:0 /var/lib/x\\040y /da\\134ta ro,relatime shared:7 master:1 - ext4 /dev/vda rw,errors=remount-ro\n';
    expect(parseMountinfo(line)).toEqual([
      {
        id: '60',
        device: '254:0',
        root: '/var/lib/x y',
        isRemoved: false,
        mountPoint: '/da\\ta',
        options: 'ro,relatime',
        propagation: ['shared:7', 'master:1'],
        type: 'ext4',
        source: '/dev/vda',
        superOptions: 'rw,errors=remount-ro',
      },
    ]);
  });

  it('reads that the root was removed', () => {
    const [mount] = parseMountinfo('63 52 254:0 /etc/passwd//deleted /etc/passwd rw - ext4 /dev/vda rw\n');
    expect(mount).toMatchObject({ root: '/etc/passwd', isRemoved: true });
  });

  it.each<readonly [string, source: string, superOptions: string]>([
    ['74 25 0:59 / /mnt rw,relatime shared:38 - tmpfs  rw', '', 'rw'],
    ['22 13 0:19 / /dev/shm rw,nosuid - tmpfs - rw', '-', 'rw'],
    ['22 13 0:19 / /x rw,nosuid - overlay overlay', 'overlay', ''],
  ])('reads a mount with an odd source or without options: %s', (line, source, superOptions) =>
    expect(parseMountinfo(`${line}\n`)).toMatchObject([{ source, superOptions, options: line.split(' ')[5] }]),
  );

  it('finds options as a whole', () => {
    expect(hasOption('rw,errors=remount-ro', 'ro')).toBe(false);
    expect(['ro', 'ro,nosuid', 'nosuid,ro'].every((options) => hasOption(options, 'ro'))).toBe(true);
    expect(hasOption('', 'ro')).toBe(false);
  });

  it('refuses a line without the separator', () => expect(() => parseMountinfo('1 2 3\n')).toThrow(SyntaxError));
});

describe('parseDiskNames()', () => {
  it('maps numbers to names', () => {
    const names = parseDiskNames(' 254       0 vda 2381 1 191234 805\n   7       0 loop0 0 0 0 0\n');
    expect([...names]).toEqual([
      ['254:0', 'vda'],
      ['7:0', 'loop0'],
    ]);
  });
});

describe('descriptorBudget()', () => {
  it('reserves some for other uses', () =>
    expect(descriptorBudget('Max open files            20000                20000                files\n')).toBe(
      19488,
    ));
  it('is 0 if the limit is unknown or tiny', () => {
    expect(descriptorBudget('')).toBe(0);
    expect(descriptorBudget('Max open files            64 64 files\n')).toBe(0);
  });
});

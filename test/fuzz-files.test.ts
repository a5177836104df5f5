import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAcceptFile } from '../src/acceptance/accept-file.ts';
import { createCriMethods } from '../src/engines/cri-messages.ts';
import { namedByList } from '../src/engines/docker-names.ts';
import { parseBlkio } from '../src/kernel/blkio.ts';
import { parseCgroupProcs } from '../src/kernel/cgroup-procs.ts';
import { parseCpuBandwidth, parseCpuMax } from '../src/kernel/cpu-max.ts';
import { parseDevicesList } from '../src/kernel/devices-list.ts';
import { parseIoStat } from '../src/kernel/io-stat.ts';
import { parseKmsgRecord } from '../src/kernel/kmsg-record.ts';
import { parseMountinfo } from '../src/kernel/mountinfo.ts';
import { parseNetDev } from '../src/kernel/net-dev.ts';
import { createOomReader } from '../src/kernel/oom-report.ts';
import { parsePressure } from '../src/kernel/pressure.ts';
import { parseBootTime, parseStartTime } from '../src/kernel/proc-stat.ts';
import { parseProcStatus } from '../src/kernel/proc-status.ts';
import { parseProcessCgroups } from '../src/kernel/process-cgroups.ts';
import { parseCount, parseLimit, parseV1Limit, parseV1Quota } from '../src/kernel/single-value.ts';
import { parseIdMap } from '../src/kernel/uid-map.ts';
import { oomKillsIn } from '../src/kernel/vmstat.ts';
import { JournalWriter, OtherVersion, readJournal } from '../src/oom/state-journal.ts';
import { stateIn } from '../src/oom/state.ts';
import { parseWebConfig } from '../src/web/web-config.ts';
import { damage, numbersIn, runs } from './fuzz/damage.ts';

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;

/** The captured files, by their names. */
const captured = new Map<string, Buffer[]>();
for (const entry of readdirSync(FIXTURES, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const name = basename(entry.name);
  captured.set(name, [...(captured.get(name) ?? []), readFileSync(join(entry.parentPath, entry.name))]);
}

const asText =
  <T>(parse: (text: string) => T) =>
  (bytes: Buffer): T =>
    parse(bytes.toString());

/** The kernel's files by name, with their parsers. */
const PARSERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'memory.current': parseCount,
  'memory.max': parseLimit,
  'memory.limit_in_bytes': parseV1Limit,
  'cpu.cfs_quota_us': parseV1Quota,
  'cpu.max': (bytes) => [parseCpuMax(bytes), parseCpuBandwidth(bytes)],
  'cpu.pressure': parsePressure,
  'io.stat': parseIoStat,
  'blkio.throttle.io_service_bytes_recursive': parseBlkio,
  'devices.list': asText(parseDevicesList),
  'cgroup.procs': parseCgroupProcs,
  dev: parseNetDev,
  mountinfo: asText(parseMountinfo),
  cgroup: asText((text) => [...parseProcessCgroups(text).values()]),
  status: asText((text) => ({ ...parseProcStatus(text) })),
  uid_map: asText(parseIdMap),
  vmstat: oomKillsIn,
};

describe('a damaged file of the kernel', () => {
  it.each(Object.entries(PARSERS).filter(([name]) => captured.has(name)))(
    '%s is an error or has no wrong numbers',
    (name, parse) => {
      fc.assert(
        fc.property(fc.constantFrom(...(captured.get(name) ?? [])), damage, (bytes, change) => {
          const found = valueOrSyntaxError(() => parse(change(bytes)));
          for (const number of numbersIn(found)) expect(number).toBeGreaterThanOrEqual(0);
        }),
        runs(150),
      );
    },
  );

  it('stat of a process and of the host has a time or is an error', () => {
    fc.assert(
      fc.property(fc.constantFrom(...(captured.get('stat') ?? [])), damage, (bytes, change) => {
        const text = change(bytes).toString();
        for (const parse of [parseStartTime, parseBootTime]) {
          for (const number of numbersIn(valueOrSyntaxError(() => parse(text))))
            expect(number).toBeGreaterThanOrEqual(0);
        }
      }),
      runs(300),
    );
  });
});

/** Lines of Linux 6.1, as /dev/kmsg has them. */
const KERNEL_LOG = `6,1201,99000000,-;tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
6,1230,99000100,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=1c30,mems_allowed=0,oom_memcg=/docker/1c30,task_memcg=/docker/1c30,task=tail,pid=388,uid=0
3,1231,99000120,-;Memory cgroup out of memory: Killed process 388 (tail) total-vm:17408kB, anon-rss:15804kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:72kB oom_score_adj:0
6,1232,99000190,-;Tasks in /docker/1c30 are going to be killed due to memory.oom.group set
3,1233,99000200,-;Memory cgroup out of memory: Killed process 389 (sh) total-vm:4408kB, anon-rss:804kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:52kB oom_score_adj:0
`;

it('a damaged kernel log names no process that cannot be', () => {
  fc.assert(
    fc.property(damage, (change) => {
      const read = createOomReader();
      for (const line of change(Buffer.from(KERNEL_LOG)).toString().split('\n')) {
        const victim = valueOrSyntaxError(() => read(parseKmsgRecord(line)));
        if (victim === undefined || victim instanceof SyntaxError) continue;
        expect(Number.isSafeInteger(victim.pid) && victim.pid > 0).toBe(true);
      }
    }),
    runs(500),
  );
});

const WEB_CONFIG = `tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
http_server_config:
  http2: true
  headers: { X-Frame-Options: deny }
basic_auth_users:
  prometheus: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
rate_limit:
  interval: 1s
  burst: 4
`;
const ACCEPT_FILE = `accept:
  - match: { container: web, labels: { team: "a*" } }
    findings: [net_raw, runs_as_root]
    reason: reviewed
    expires: 2027-01-31
  - match: { image: "registry/*" }
    findings: [host_network_namespace]
    reason: needs it
`;

describe('a damaged file of a user', () => {
  it.each([
    ['the web configuration', WEB_CONFIG, parseWebConfig],
    ['the accept file', ACCEPT_FILE, parseAcceptFile],
  ] as const)('%s is valid or one error that says what is wrong', (_, text, parse) => {
    expect(() => parse(text)).not.toThrow();
    fc.assert(
      fc.property(damage, (change) => {
        try {
          parse(change(Buffer.from(text)).toString());
        } catch (error) {
          // The message says what is wrong with the file. Faults of the program are of other classes.
          expect(error).toBeInstanceOf(Error);
          expect([TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind)).toBe(false);
          expect(String(error).length).toBeGreaterThan(10);
        }
      }),
      runs(400),
    );
  });

  it('the state file gives an earlier state, or is refused', () => {
    const entries = (kills: number): ReadonlyMap<string, string> =>
      new Map([
        ['boot', '{"id":"0da0a1cb","startedAt":1795486140}'],
        ['expiredKills', '3'],
        [`record:/docker/a#7`, `{"kills":${kills}}`],
      ]);
    const writer = new JournalWriter();
    const states = [1, 2, 3].map(entries);
    const text = states.map((each, index) => (index === 0 ? writer.begin(each) : writer.change(each))).join('');
    const valid = new Set([
      '{}',
      ...states.map((_, index) =>
        JSON.stringify([
          ...readJournal(
            text
              .split('\n')
              .slice(0, index + 1)
              .join('\n') + '\n',
          ).entries,
        ]),
      ),
    ]);
    fc.assert(
      fc.property(damage, (change) => {
        try {
          const { entries: found } = readJournal(change(Buffer.from(text)).toString());
          expect(found.size === 0 || valid.has(JSON.stringify([...found]))).toBe(true);
          valueOrSyntaxError(() => stateIn(found));
        } catch (error) {
          // The first line is damaged, so there is no earlier state.
          expect(error instanceof OtherVersion || error instanceof SyntaxError).toBe(true);
        }
      }),
      runs(400),
    );
  });
});

describe('a damaged answer of an engine', () => {
  it('of the CRI is an error or has the types of its fields', async () => {
    const method = (await createCriMethods({ labels: true }))('ListContainers');
    const message = method.response.fromObject({
      containers: [1, 2, 3].map((n) => ({
        id: `${n}`.repeat(64),
        podSandboxId: '9'.repeat(64),
        metadata: { name: `web${n}`, attempt: n },
        labels: { 'io.kubernetes.pod.name': 'a', 'io.kubernetes.pod.uid': 'b' },
        state: 1,
        createdAt: 1_795_486_140_000_000_000,
      })),
    });
    const bytes = Buffer.from(method.response.encode(message).finish());
    fc.assert(
      fc.property(damage, (change) => {
        let found: { readonly containers?: readonly { readonly id?: unknown; readonly labels?: unknown }[] };
        try {
          found = method.decode(change(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        for (const { id, labels } of found.containers ?? []) {
          expect(['string', 'undefined']).toContain(typeof id);
          for (const value of Object.values(labels ?? {})) expect(typeof value).toBe('string');
        }
      }),
      runs(500),
    );
  });

  it('of Docker names containers by strings, or not at all', () => {
    const lists = captured.get('containers.json') ?? [];
    fc.assert(
      fc.property(fc.constantFrom(...lists), damage, (bytes, change) => {
        const found = valueOrSyntaxError(() => namedByList(JSON.parse(change(bytes).toString())));
        if (found instanceof SyntaxError) return;
        for (const { id, names } of found) {
          expect(typeof id).toBe('string');
          for (const value of [names?.name, names?.image]) expect(['string', 'undefined']).toContain(typeof value);
        }
      }),
      runs(300),
    );
  });
});

/** Anything but a `SyntaxError` is a fault of the parser. */
function valueOrSyntaxError<T>(parse: () => T): T | SyntaxError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

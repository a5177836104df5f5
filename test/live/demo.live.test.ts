import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Background, type Machine, eventually, quote, succeed } from '../lab/machine.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** The command of the README, but with any free port. */
const BY_NPM = 'exec npm run demo -- --port 0';

/** The same without the build, which takes minutes in the guest. */
const BY_NODE = `exec ${quote(process.execPath)} --import tsx test/demo/demo.ts --port 0`;

/** A demo that has printed the URL of its page. */
interface Demo extends AsyncDisposable {
  readonly machine: Machine;
  readonly background: Background;
  readonly origin: string;
}

/** The resources of a demo. */
interface Belongings {
  /** The path of its cgroup, in every hierarchy. */
  readonly cgroup: string;
  readonly pids: readonly string[];
}

describeLive('the demo', ['containers'], () => {
  test('shows its containers, and is gone after Ctrl-C', async () => {
    await showsAndGoes(host, BY_NPM);
  });

  test('is gone after a SIGTERM to npm alone', async () => {
    await using demo = await start(host, `echo "npm is $$" >&2; ${BY_NPM}`);
    const belongings = await belongingsOf(demo);
    const npm = /npm is (\d+)/.exec((await demo.background.output()).stderr)?.[1];
    await succeed(host, `kill -TERM ${npm}`);
    await expectEnd(demo);
    await expectNothingOf(host, belongings);
  });

  test('leaves nothing when a step fails, and another one alone', async () => {
    await using first = await start(host, BY_NODE);
    const { port } = new URL(first.origin);
    const second = await host.run(`cd ${quote(REPOSITORY)} && ${BY_NODE.replace('--port 0', `--port ${port}`)}`);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^demo: The exporter did not start: .*address already in use/);
    const belongings = await belongingsOf(first);
    const demos = await succeed(
      host,
      'find /sys/fs/cgroup -maxdepth 2 -type d -name "isolation-exporter-demo-*" -printf "/%f\\n" | sort -u',
    );
    expect(demos).toBe(belongings.cgroup);
    await first.background.kill('SIGINT');
    await expectEnd(first);
    await expectNothingOf(host, belongings);
  });

  test('that is killed takes its processes with it, and the next one takes the rest', async () => {
    await using killed = await start(host, BY_NODE);
    const belongings = await belongingsOf(killed);
    await killed.background.kill('SIGKILL');
    await eventually('its processes have ended', () => areGone(host, belongings.pids), { timeoutMs: 10_000 });
    expect(await cgroupsCalled(host, belongings.cgroup)).not.toBe('');

    await using next = await start(host, BY_NODE);
    expect(await cgroupsCalled(host, belongings.cgroup)).toBe('');
    const own = await belongingsOf(next);
    await next.background.kill('SIGINT');
    await expectEnd(next);
    await expectNothingOf(host, belongings);
    await expectNothingOf(host, own);
  });
});

describeLong('the demo on pure cgroup v2', ['guest'], () => {
  test('shows its containers, and is gone after Ctrl-C', async () => {
    const guest = await sharedGuest('plain');
    const control = 'cat /sys/fs/cgroup/cgroup.subtree_control';
    // Like a host on which nobody has enabled controllers yet.
    await succeed(guest, 'echo "-cpu -memory -pids -io" > /sys/fs/cgroup/cgroup.subtree_control');
    try {
      const before = await succeed(guest, control);
      await showsAndGoes(guest, BY_NODE);
      expect(await succeed(guest, control)).toBe(before);
    } finally {
      await succeed(guest, 'echo "+cpu +memory +pids +io" > /sys/fs/cgroup/cgroup.subtree_control');
    }
  });
});

async function showsAndGoes(machine: Machine, command: string): Promise<void> {
  await using demo = await start(machine, command);
  const belongings = await belongingsOf(demo);
  // At least one shell for each container, and the exporter.
  expect(belongings.pids.length).toBeGreaterThanOrEqual(6);

  const timeoutMs = 60_000 * machine.slowness;
  await eventually(
    'something is throttled, and something OOM-killed',
    async () => {
      const samples = await scrape(demo);
      const throttled = samples.value('isolation_container_cpu_throttled_seconds_total', { container: 'throttled' });
      const killed = samples.value('isolation_container_oom_kills_total', { container: 'oom-killed' });
      return ((throttled ?? 0) > 0.1 && (killed ?? 0) >= 1) || undefined;
    },
    { timeoutMs },
  );

  const samples = await scrape(demo);
  const shares = (container: string, ns: string) =>
    samples.value('isolation_container_host_namespace', { engine: 'lxc', container, ns });
  for (const ns of ['pid', 'net', 'ipc', 'uts', 'cgroup', 'user']) expect(shares('host-namespaces', ns), ns).toBe(1);
  expect(shares('host-namespaces', 'mnt')).toBe(0);
  for (const container of ['throttled', 'oom-killed', 'unlimited', 'hardened']) {
    for (const ns of ['pid', 'net', 'ipc', 'uts', 'cgroup', 'mnt']) expect(shares(container, ns), ns).toBe(0);
  }
  expect(shares('hardened', 'user')).toBe(0);

  for (const what of ['memory', 'cpu', 'pids']) {
    const limited = (container: string) => samples.value(`isolation_container_${what}_limited`, { container });
    expect(limited('unlimited'), what).toBe(0);
    for (const container of ['throttled', 'oom-killed', 'hardened', 'host-namespaces'])
      expect(limited(container)).toBe(1);
  }
  expect(samples.value('isolation_container_cpu_limit_cores', { container: 'throttled' })).toBeCloseTo(0.2);
  // The shown process survives: its child was killed.
  expect(samples.value('isolation_container_pids', { container: 'oom-killed' })).toBeGreaterThanOrEqual(1);
  for (const finding of ['all_devices', 'block_device', 'takeover_capability']) {
    // On v2 the kernel does not show all of these facts.
    expect(samples.value('isolation_container_finding', { container: 'hardened', finding }), finding).not.toBe(1);
  }
  await expectPosture(machine, belongings);

  // Signals the whole process group, as a terminal does.
  await demo.background.kill('SIGINT');
  await expectEnd(demo);
  await expectNothingOf(machine, belongings);
}

/** Asks the kernel whether the containers are what the demo claims. */
async function expectPosture(machine: Machine, { cgroup }: Belongings): Promise<void> {
  const status = async (container: string): Promise<string> =>
    succeed(
      machine,
      `procs=$(find /sys/fs/cgroup -path '*${cgroup}/lxc.payload.${container}/cgroup.procs' | head -n 1)
      grep -hE '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$(sort -n "$procs" | head -n 1)/status"`,
    );
  expect(await status('hardened')).toBe(
    'Uid:\t101000\t101000\t101000\t101000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2',
  );
  expect(await status('unlimited')).toBe('Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2');
  expect(await status('host-namespaces')).toMatch(/CapEff:\t000001f.*\nNoNewPrivs:\t0\nSeccomp:\t0$/);
}

async function start(machine: Machine, command: string): Promise<Demo> {
  const background = await machine.start(`cd ${quote(REPOSITORY)}\n${command}`);
  try {
    const origin = await eventually(
      'the demo says where its page is',
      async () => {
        const { stdout, stderr } = await background.output();
        const code = await background.exitCode();
        if (code !== undefined) return new Error(`It has ended with ${code}: ${stdout}${stderr}`);
        return /Ctrl-C ends/.test(stdout) ? /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)?.[0] : undefined;
      },
      { timeoutMs: 60_000 * machine.slowness },
    );
    if (origin instanceof Error) throw origin;
    return { machine, background, origin, [Symbol.asyncDispose]: () => background.stop() };
  } catch (error) {
    await background.stop();
    throw error;
  }
}

async function scrape({ machine, origin }: Pick<Demo, 'machine' | 'origin'>): Promise<Samples> {
  return samplesOf(`${await succeed(machine, `curl -sS --fail -m ${20 * machine.slowness} ${origin}/metrics`)}\n`);
}

async function belongingsOf(demo: Pick<Demo, 'machine' | 'origin'>): Promise<Belongings> {
  const labels = (await scrape(demo)).labels('isolation_container_info', { container: 'unlimited' });
  const cgroup = labels?.get('cgroup')?.replace(/\/[^/]+$/, '');
  expect(cgroup).toMatch(/^\/isolation-exporter-demo-\d+$/);
  const { port } = new URL(demo.origin);
  const pids = await succeed(
    demo.machine,
    `cat $(find /sys/fs/cgroup -path '*${cgroup}/*/cgroup.procs') | sort -u
    ss --listening --tcp --numeric --no-header --processes 'sport = :${port}' | grep -o 'pid=[0-9]*' | cut -d= -f2`,
  );
  return { cgroup: cgroup ?? '', pids: pids.split('\n') };
}

async function expectEnd({ machine, background }: Demo): Promise<void> {
  const code = await eventually('the demo ends', () => background.exitCode(), { timeoutMs: 30_000 * machine.slowness });
  const { stdout, stderr } = await background.output();
  expect(stdout).toMatch(/\nRemoving everything…\nEverything is removed\.\n$/);
  expect(stderr).not.toMatch(/demo:/);
  expect(code).toBe(0);
}

async function expectNothingOf(machine: Machine, { cgroup, pids }: Belongings): Promise<void> {
  expect(await cgroupsCalled(machine, cgroup)).toBe('');
  expect(await areGone(machine, pids)).toBe(true);
  const name = cgroup.slice(1);
  expect(
    await succeed(machine, `ls -d /tmp/${name}-* 2>/dev/null; grep -ls ${name} /proc/[0-9]*/mountinfo; true`),
  ).toBe('');
}

function cgroupsCalled(machine: Machine, cgroup: string): Promise<string> {
  return succeed(machine, `find /sys/fs/cgroup -path '*${cgroup}*'`);
}

/** `true` once all processes have ended. A zombie counts as ended. */
async function areGone(machine: Machine, pids: readonly string[]): Promise<true | undefined> {
  const alive = await succeed(
    machine,
    `for pid in ${pids.join(' ')}; do grep -qs '^State:.[^ZX]' "/proc/$pid/status" && echo $pid; done; true`,
  );
  return alive === '' ? true : undefined;
}

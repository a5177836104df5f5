import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { type LoadContainer, LoadContainers } from '../load/load-containers.ts';

const HOUR = 3_600;
const CLOCK = 'isolation_exporter_clock_timestamp_seconds';

// Only the wall clock of the exporter is set. That of the machine is of use to others.
describeLive('the clock of the host is set', ['containers', 'faketime'], () => {
  let directory: string;
  let program: BuiltProgram;
  let containers: LoadContainers;
  let victim: LoadContainer;
  const set = (seconds: number): void =>
    writeFileSync(join(directory, 'offset'), `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  const scrape = async (): Promise<Samples> => samplesOf((await program.get('/metrics')).body);
  const kills = (samples: Samples): number | undefined =>
    samples.value('isolation_container_oom_kills_total', { container: containers.labelOf(victim) });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-clock-'));
    set(0);
    const accept = join(directory, 'accept.yml');
    writeFileSync(accept, 'accept: [{ match: { engine: garden }, findings: [net_raw], reason: none }]\n');
    const library = await succeed(host, 'ls /usr/lib/*/faketime/libfaketime.so.1 | head -1');
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(directory, 'offset'),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
    };
    const flags = ['--path.kmsg=/dev/kmsg', `--oom.state-file=${directory}/state`, '--oom.retention=1h'];
    program = await startProgram([...flags, `--findings.accept-file=${accept}`], { env });
    containers = new LoadContainers({ engine: 'garden' });
    containers.start();
    victim = containers.start({ memoryBytes: 8 * 2 ** 20, command: ['tail', '/dev/zero'] });
    while (containers.kills(victim) === 0) await sleep(50);
    await sleep(200);
    await containers.remove(victim);
    while (kills(await scrape()) === undefined) await sleep(200);
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    await containers?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each([-2, 2, -4_000, 72 * HOUR, -72 * HOUR, 30 * 24 * HOUR])(
    'by %d s: kills stay, all ages stay, and no time is in the future',
    async (step) => {
      const begin = Date.now() / 1_000;
      set(step);
      const samples = await scrape();
      const now = samples.value(CLOCK) ?? NaN;
      expect(Math.abs(now - begin - step)).toBeLessThan(30);
      const times = samples.all.filter(({ name }) => name.endsWith('_timestamp_seconds') && name !== CLOCK);
      const names = new Set(times.map(({ name }) => name));
      expect([...names].toSorted()).toEqual([
        'isolation_container_last_oom_kill_timestamp_seconds',
        'isolation_exporter_accept_file_last_reload_success_timestamp_seconds',
      ]);
      for (const { name, value } of times) expect(value, name).toBeLessThanOrEqual(now);
      const killed = samples.value('isolation_container_last_oom_kill_timestamp_seconds', {
        container: containers.labelOf(victim),
      });
      expect(now - (killed ?? NaN)).toBeLessThan(300);
      expect(kills(samples)).toBe(1);
      const age = samples.value('isolation_posture_age_seconds') ?? NaN;
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(90);
      const failed = samples.all.filter(
        ({ name, value }) => name === 'isolation_scrape_collector_success' && value === 0,
      );
      expect(failed).toEqual([]);
    },
  );
});

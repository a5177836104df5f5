import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import { describeLive } from '../lab/live.ts';
import { type LoadContainer, LoadContainers } from '../load/load-containers.ts';

const DAY = 86_400;

/**
 * The time since boot runs on in suspend; the monotonic clock and that of the kernel's log stand still. A time namespace sets them apart
 * by as much, without the machine having to sleep.
 */
const sleptFor = (seconds: number): readonly string[] =>
  `unshare --time --boottime ${seconds} --fork --kill-child`.split(' ');

describeLive('a machine that was suspended for a day', ['containers'], () => {
  let directory: string;
  let containers: LoadContainers;
  let victim: LoadContainer;
  let other: LoadContainer;
  const start = (seconds: number, retention: string): Promise<BuiltProgram> =>
    startProgram(['--path.kmsg=/dev/kmsg', `--oom.state-file=${directory}/state`, `--oom.retention=${retention}`], {
      wrap: sleptFor(seconds),
    });
  const scrape = async (program: BuiltProgram): Promise<Samples> => samplesOf((await program.get('/metrics')).body);
  const ofVictim = (samples: Samples, name: string): number | undefined =>
    samples.value(`isolation_container_${name}`, { container: containers.labelOf(victim) });
  /** Seconds since the last kill of the container. */
  const age = (samples: Samples): number =>
    (samples.value('isolation_exporter_clock_timestamp_seconds') ?? NaN) -
    (ofVictim(samples, 'last_oom_kill_timestamp_seconds') ?? NaN);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-suspend-'));
    containers = new LoadContainers({ engine: 'garden' });
    other = containers.start();
    victim = containers.start({ memoryBytes: 8 * 2 ** 20 });
    {
      await using program = await start(DAY, '48h');
      while (ofVictim(await scrape(program), 'oom_kills_total') === undefined) await sleep(200);
    }
    // No exporter runs: only the log tells when this was.
    containers.exec(victim, ['tail', '/dev/zero']);
    while (containers.kills(victim) === 0) await sleep(50);
    await containers.remove(victim);
  });
  afterAll(async () => {
    await containers?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test('a kill that the log dates a day earlier is of today, and the container of it is found', async () => {
    await using program = await start(DAY, '48h');
    const samples = await scrape(program);
    expect(ofVictim(samples, 'oom_kills_total')).toBe(1);
    expect(age(samples)).toBeGreaterThanOrEqual(0);
    expect(age(samples)).toBeLessThan(300);
  });

  test('a container started when it was started', async () => {
    await using program = await start(DAY, '48h');
    const samples = await scrape(program);
    const started = samples.value('isolation_container_start_time_seconds', { container: containers.labelOf(other) });
    const now = samples.value('isolation_exporter_clock_timestamp_seconds') ?? NaN;
    expect(now - (started ?? NaN)).toBeGreaterThanOrEqual(0);
    expect(now - (started ?? NaN)).toBeLessThan(300);
  });

  test('a kill is as much older as the machine has slept since', async () => {
    await using program = await start(2 * DAY, '48h');
    const samples = await scrape(program);
    expect(ofVictim(samples, 'oom_kills_total')).toBe(1);
    expect(age(samples)).toBeGreaterThanOrEqual(DAY);
    expect(age(samples)).toBeLessThan(DAY + 300);
  });

  test('a kill ends with the retention, also while the machine sleeps', async () => {
    await using program = await start(4 * DAY, '48h');
    expect(ofVictim(await scrape(program), 'oom_kills_total')).toBeUndefined();
  });
});

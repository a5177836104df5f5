import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote, succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import { untilJudged, verdictOn } from './levels.ts';
import { liars } from './liars.ts';

/** A bash that can give a program any name, a sleep that does not care what it is called, and a perl for the rest. */
const IMPORT = (client: string): string => `
  programs='/bin/bash /bin/sleep /bin/cp /usr/bin/perl'
  files=$(ldd $programs | grep -o '/[^ ]*' | grep -v ':$' | sort -u)
  files+=" $(perl -Mthreads -e 'use DynaLoader; print join " ", values %INC, @DynaLoader::dl_shared_objects')"
  tar -c -h -C / $programs $files 2>/dev/null |
    ${client} import - liar:1`;

describeLive('what a container says of itself', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;
  let shared = '';
  const names = Object.keys(liars('/')).filter((name) => name !== 'own-machine' || existsSync('/dev/kvm'));
  /** The honest one beside each, by its flags. */
  const honest = new Map<string, string>();

  /** The ids of all, by name. */
  const ids = new Map<string, string>();
  /** Processes that Docker takes for ended, and does not kill. */
  const toKill: number[] = [];

  const run = async (name: string, flags: readonly string[], script: string): Promise<void> => {
    const id = await docker.run(
      '--name',
      name,
      '--tmpfs',
      '/tmp:exec',
      ...flags,
      '--entrypoint',
      '/bin/bash',
      'liar:1',
      '-c',
      script,
    );
    ids.set(name, id);
  };
  /** What the exporter calls it: some labels give it another name. */
  const shownAs = (samples: Samples, name = ''): string | undefined =>
    samples.labels('isolation_container_info', { id: ids.get(name) ?? '' })?.get('container');

  beforeAll(async () => {
    docker = await startDocker(host);
    await succeed(host, IMPORT(docker.client));
    shared = `${docker.directory}/shared`;
    await succeed(host, `mkdir ${quote(shared)}`);
    const all = liars(shared);
    for (const name of names) {
      const { flags = [], own = [], script = '' } = all[name] ?? {};
      await run(name, [...flags, ...own], script);
      if (name.startsWith('ended-thread')) toKill.push(await docker.pidOf(name));
      const key = flags.join(' ');
      if (honest.has(key)) continue;
      honest.set(key, `honest-${honest.size}`);
      await run(`honest-${honest.size - 1}`, flags, 'exec sleep 1000000');
    }
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await within(host, 'all are shown', async () => {
      const samples = await exporter.scrape();
      return [...ids.keys()].every((name) => shownAs(samples, name) !== undefined);
    });
    const samples = await exporter.scrape();
    await untilJudged(
      host,
      exporter,
      [...ids.keys()].map((name) => shownAs(samples, name) ?? name),
    );
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    for (const pid of toKill.filter((found) => found > 0)) await host.run(`kill -KILL ${pid}`);
    await docker?.[Symbol.asyncDispose]();
  });

  test.each(names)('gains nothing: %s', async (name) => {
    const { flags = [], unknown = false } = liars(shared)[name] ?? {};
    expect(await docker.cli('inspect', '--format', '{{.State.Running}}', name)).toBe('true');
    const samples = await exporter.scrape();
    const truth = verdictOn(samples, shownAs(samples, honest.get(flags.join(' '))) ?? '');
    const { certain, ...verdict } = verdictOn(samples, shownAs(samples, name) ?? '');
    if (unknown) expect([verdict.level, certain]).toEqual([0, 0]);
    else {
      expect(verdict.level).toBeLessThanOrEqual(truth.level);
      expect(verdict.sandbox).toBe(truth.sandbox);
      expect(verdict.findings).toEqual(expect.arrayContaining([...truth.findings]));
      // A container cannot make it uncertain by what it says, either.
      expect(certain).toBeUndefined();
    }
  });
});

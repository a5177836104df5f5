/**
 * Compares what this build and another one export about the same real containers: `npm run compare -- --against DIR`, where DIR is
 * the built checkout of another commit. Ends with 1 if a value differs. Series of one build only are printed by family.
 */
import { parseArgs } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { startDocker, LAB_IMAGE } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { type Comparison, compare, type Round, valuesOf } from './comparison.ts';
import { Exporter } from './exporter.ts';

const ROUNDS = 5;

/** Containers that use what Docker offers, one for each line. */
const CONTAINERS: readonly (readonly string[])[] = [
  ['--network', 'none', LAB_IMAGE],
  ['--network', 'host', '--pid', 'host', '--ipc', 'host', '--uts', 'host', LAB_IMAGE],
  ['--network', 'none', '--memory', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '50', LAB_IMAGE],
  ['--network', 'none', '--cpus', '0.1', LAB_IMAGE, 'sh', '-c', 'while :; do :; done'],
  ['--network', 'none', '--cpu-shares', '512', '--cpuset-cpus', '0', '--blkio-weight', '500', LAB_IMAGE],
  ['--network', 'none', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only', LAB_IMAGE],
  ['--network', 'none', '--cap-add', 'NET_ADMIN', '--security-opt', 'seccomp=unconfined', '--user', '1000', LAB_IMAGE],
  ['--network', 'none', '-v', '/etc:/host/etc:ro', '-v', '/tmp:/host/tmp', '--ulimit', 'nofile=512:512', LAB_IMAGE],
  ['--network', 'none', '--memory', '16m', '--memory-swap', '16m', LAB_IMAGE, 'sh', '-c', 'tail /dev/zero; sleep 1000'],
  ['--network', 'none', LAB_IMAGE, 'sh', '-c', 'while :; do echo tick > /tmp/tick; sleep 1; done'],
];

const { values: options } = parseArgs({ options: { against: { type: 'string' } } });
if (options.against === undefined) throw new Error('Use --against DIR');

const running = new Set<Exporter>();
{
  await using docker = await startDocker(host);
  for (const words of CONTAINERS) await docker.run(...words);
  const engine = { engine: `unix://${docker.socket}` };
  try {
    const here = await Exporter.start(running, undefined, engine);
    const there = await Exporter.start(running, options.against, engine);
    // The names come from Docker, and counters have something to count.
    await setTimeout(5_000);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = valuesOf(await here.scrape());
      const other = valuesOf(await there.scrape());
      rounds.push({ before, other, after: valuesOf(await here.scrape()) });
      await setTimeout(1_000);
    }
    report(compare(rounds));
  } finally {
    await Promise.all([...running].map((exporter) => exporter.stop()));
  }
}

function report({ equal, different, onlyHere, onlyThere }: Comparison): void {
  console.log(`${equal} series have the same value, ${different.length} differ`);
  for (const line of different) console.log(`  ${line}`);
  for (const [title, families] of [
    ['here', onlyHere],
    ['there', onlyThere],
  ] as const) {
    console.log(`Series only ${title}:`);
    for (const [family, count] of families) console.log(`  ${family}: ${count}`);
  }
  if (different.length > 0) process.exitCode = 1;
}

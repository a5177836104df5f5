// The part of the bench that runs in the guest: scrapes in turn, for in-guest.ts.
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { Cgroups } from './cgroups.ts';
import { Child } from './child.ts';
import { Exporter } from './exporter.ts';
import { type CostsInTurn, inTurn, summaryInTurn } from './in-turn.ts';
import { filesOf } from './kernel-files.ts';
import { describeMachine, type Numbers } from './performance-page.ts';
import { ratio, summary } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string', default: './counted.json' },
    containers: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '10' },
    against: { type: 'string' },
  },
});

const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
const results: Numbers[] = [];
for (const count of options.containers.split(',').map(Number)) results.push(await measure(count));
writeFileSync(options.json, JSON.stringify({ machine: describeMachine(layout), results }));

/** Times in milliseconds: millions of instructions. The guest ends with this program, so nothing is cleaned up after a failure. */
async function measure(count: number): Promise<Numbers> {
  const running = new Set<Exporter | Child>();
  const cgroups = new Cgroups(layout);
  for (let made = 0; made < count; made += 1) cgroups.start();
  const task = cgroups.paths.map((path) => filesOf(layout, path));
  const floor = await Child.start('floor.ts', task, running);
  const exporter = await Exporter.start(running);
  const other = options.against === undefined ? undefined : await Exporter.start(running, options.against);
  // Warm-up for the JIT compilers; a daemon runs for weeks.
  await inTurn(floor, { exporter, other }, 40);
  const costs = await inTurn(floor, { exporter, other }, Number(options.rounds));
  const apart: CostsInTurn[] = [];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    await setTimeout(15_000);
    apart.push(await inTurn(floor, { exporter, other }, 1));
  }
  for (const process of running) await process.stop();
  await cgroups.remove();
  // Facts of processes are read again after some time, so scrapes back to back seldom do so.
  const first = (name: 'plain' | 'otherPlain') => apart.flatMap((each) => each[name]);
  return {
    containers: count,
    ...summaryInTurn(costs),
    ...summary('apart', first('plain')),
    ...ratio('apart/floor cpu', first('plain'), costs.floor),
    ...(other !== undefined && ratio('apart/other apart cpu', first('plain'), first('otherPlain'))),
  };
}

// `npm run demo`: the exporter beside five test containers. See CONTRIBUTING.md.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { DEMO_CONTAINERS } from './demo-containers.ts';
import { DemoExporter, isFree } from './demo-exporter.ts';
import { ThrowawayContainers, removeRemains } from './throwaway-containers.ts';

/** The exporter's own. */
const USUAL_PORT = 10_061;

const stop = new AbortController();
// From now on signals only request the end, so that a repeated Ctrl-C does not interrupt the clean-up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// The reader of the output may be gone before the demo ends.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string' } } });
    refuseWhereItCannotRun();
    await removeRemains();
    await show(values.port === undefined ? undefined : Number(values.port));
  } catch (error) {
    // A failed clean-up is an error too, also after Ctrl-C.
    if (!(error instanceof Error && error.name === 'AbortError')) {
      console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
  }
  console.log('Everything is removed.');
  return 0;
}

function refuseWhereItCannotRun(): void {
  if (process.platform !== 'linux') throw new Error('the demo needs Linux; run it in a virtual machine');
  if (process.getuid?.() !== 0) throw new Error('namespaces and cgroups need root: sudo npm run demo');
  for (const tool of ['bash', 'unshare', 'setpriv']) {
    if (spawnSync(tool, ['--version']).error) throw new Error(`there is no ${tool}; it comes with bash and util-linux`);
  }
}

/** Runs everything until a signal, and removes it then, or when a step fails. */
async function show(port: number | undefined): Promise<void> {
  const { signal } = stop;
  await using containers = new ThrowawayContainers();
  for (const spec of DEMO_CONTAINERS) {
    await containers.start(spec);
    signal.throwIfAborted();
  }
  await using exporter = await DemoExporter.start(port ?? ((await isFree(USUAL_PORT)) ? USUAL_PORT : 0));
  await exporter.shows(
    DEMO_CONTAINERS.map(({ name }) => name),
    signal,
  );
  signal.throwIfAborted();
  console.log(textFor(exporter.origin));
  const said = await Promise.race([once(signal, 'abort'), exporter.ending]);
  if (typeof said === 'string') throw new Error(`the exporter has ended:\n${said}`);
  console.log('\nRemoving everything…');
}

function textFor(origin: string): string {
  const width = Math.max(...DEMO_CONTAINERS.map(({ name }) => name.length)) + 2;
  const lines = DEMO_CONTAINERS.flatMap(({ name, about, metric }) => [
    `  ${name.padEnd(width)}${about}`,
    `  ${' '.repeat(width)}${metric}`,
  ]);
  return [
    `${DEMO_CONTAINERS.length} containers made of namespaces and cgroups alone, and the exporter that looks at them:`,
    '',
    `  ${origin}/          the page`,
    `  ${origin}/metrics   what Prometheus reads`,
    '',
    ...lines,
    '',
    'Their cgroups are called like those of LXC, so that is the engine that the exporter names.',
    "They run programs of the host's, from its /usr: that is a finding, and no level is above weakened for it.",
    "It shows this host's own containers too. Ctrl-C ends and removes everything.",
  ].join('\n');
}

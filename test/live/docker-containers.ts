import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import type { Exporter, Samples } from '../lab/exporter.ts';
import { eventually, type Machine } from '../lab/machine.ts';

/** The containers that suites start with, by name. */
export const CONTAINERS = ['limited', 'exposed', 'unlimited'] as const;
export type ContainerName = (typeof CONTAINERS)[number];

/** The part of the exporter that this file needs. */
type Scraped = Pick<Exporter, 'scrape'>;

/** Splits a command line without quotes. */
export const words = (text: string): string[] => text.split(' ');

/** Runs {@link CONTAINERS} and returns their ids. */
export async function runContainers(docker: Docker): Promise<Readonly<Record<ContainerName, string>>> {
  const busy = ['sh', '-c', 'while :; do :; done'];
  return {
    limited: await docker.run(...words('--name limited --network none --memory 64m --cpus 0.5'), LAB_IMAGE, ...busy),
    exposed: await docker.run(...words('--name exposed --pid host --network host'), LAB_IMAGE),
    unlimited: await docker.run(...words('--name unlimited --network none'), LAB_IMAGE),
  };
}

/** Waits until a condition holds, with a long timeout for slow machines. */
export async function within(
  machine: Machine,
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  await eventually(what, async () => (await isSo()) || undefined, { timeoutMs: timeoutMs * machine.slowness });
}

/** Which of these containers lack facts from the kernel, the init process or the engine. */
export function incomplete(samples: Samples, names: readonly string[] = CONTAINERS): readonly string[] {
  return names.filter(
    (container) =>
      samples.labels('isolation_container_info', { container })?.get('runtime') === undefined ||
      samples.value('isolation_container_memory_limited', { container }) === undefined ||
      samples.value('isolation_container_host_namespace', { container, ns: 'pid' }) === undefined,
  );
}

/** Waits until the exporter has all facts about these containers, under their names. */
export async function untilComplete(
  machine: Machine,
  exporter: Scraped,
  names: readonly string[] = CONTAINERS,
): Promise<void> {
  await within(machine, `names: ${names.join(', ')}`, async () => {
    const lacking = incomplete(await exporter.scrape(), names);
    if (lacking.length > 0) throw new Error(`lack facts: ${lacking.join(', ')}`);
    return true;
  });
}

/** Waits until the exporter exports containers with these ids, under any name. */
export async function untilShown(machine: Machine, exporter: Scraped, ids: readonly string[]): Promise<void> {
  await within(machine, `containers: ${ids.join(', ')}`, async () => {
    const samples = await exporter.scrape();
    return ids.every((id) => samples.labels('isolation_container_info', { id }) !== undefined);
  });
}

/** Whether the exporter reports that Docker answers. */
export async function dockerUp(exporter: Exporter): Promise<number | undefined> {
  return (await exporter.scrape()).value('isolation_source_up', { source: 'docker' });
}

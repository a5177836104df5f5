import { NAMESPACE_REMEDY, type Scrape } from '../collectors/collector.ts';
import { readNetwork } from '../collectors/network.ts';
import type { Container } from '../container.ts';
import type { DirectionCounts, InterfaceCounts } from '../kernel/net-dev.ts';
import { type CadvisorFamily, defineContainerView, ours } from './view.ts';

/** Interfaces that cAdvisor skips: what passes a bridge or the end of a pair inside the container passes `eth0` as well. */
const SKIPPED = /^(?:lo|veth|docker|nerdctl)/i;

/** Network traffic, once for each network namespace and never the host's. */
export const network = defineContainerView({
  name: 'network',
  remedy: NAMESPACE_REMEDY,
  read: (container: Container, scrape: Scrape): readonly InterfaceCounts[] | undefined =>
    readNetwork(container, scrape)?.filter(({ name }) => !SKIPPED.test(name)),
  families: (['receive', 'transmit'] as const).flatMap((direction) => [
    family(direction, 'bytes', 'bytes'),
    family(direction, 'packets', 'packets'),
    family(direction, 'packets_dropped', 'dropped'),
    family(direction, 'errors', 'errors'),
  ]),
});

function family(
  direction: 'receive' | 'transmit',
  name: string,
  count: keyof DirectionCounts,
): CadvisorFamily<readonly InterfaceCounts[]> {
  return {
    name: `container_network_${direction}_${name}_total`,
    type: 'counter',
    of: 'pod',
    help: `Network ${direction}: ${name.replace('_', ' ')}, by interface.`,
    labels: ['interface'],
    samples(interfaces, emit) {
      for (const found of interfaces) {
        const value = found[direction][count];
        if (value !== undefined) emit(value, found.name);
      }
    },
    ours: ours(`network_${direction}_${count}_total`),
    differs:
      "Once for each network namespace, by the container that created it. Absent with `--network host`, where cAdvisor has the host's traffic.",
  };
}

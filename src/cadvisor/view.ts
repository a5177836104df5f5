import {
  type ContainerCollector,
  defineContainerCollector,
  defineHostCollector,
  type Family,
  type HostCollector,
} from '../collectors/collector.ts';

/** How a family compares with ours and with the original, for the documentation. */
interface Comparison {
  /** Our metrics of the same facts, with a selector where a label tells them apart. */
  readonly ours: readonly string[];
  /** What differs from cAdvisor's family of this name, and why. Absent if nothing does. */
  readonly differs?: string;
}

/** A metric family under the name, with the type, the unit and the labels that it has in cAdvisor. */
export type CadvisorFamily<Reading> = Family<Reading> & Comparison;

/** What one of our collectors reads, as cAdvisor's families. It has the collector's name and is off when that is off. */
export type CadvisorView = (ContainerCollector | HostCollector) & {
  readonly families: readonly CadvisorFamily<unknown>[];
};

/** Type-checks the families of a view against the reading of a container. */
export function defineContainerView<Reading>(
  view: Omit<ContainerCollector<Reading>, 'scope' | 'families' | 'help'> & {
    readonly families: readonly CadvisorFamily<NoInfer<Reading>>[];
  },
): CadvisorView {
  return defineContainerCollector({ help: '', ...view }) as CadvisorView;
}

/** Type-checks the families of a view against the reading of the host. */
export function defineHostView<Reading>(
  view: Omit<HostCollector<Reading>, 'scope' | 'families' | 'help'> & {
    readonly families: readonly CadvisorFamily<NoInfer<Reading>>[];
  },
): CadvisorView {
  return defineHostCollector({ help: '', ...view }) as CadvisorView;
}

/** Our metric of a container. */
export const ours = (name: string): readonly string[] => [`isolation_container_${name}`];

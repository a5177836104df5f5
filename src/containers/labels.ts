import type { CgroupMatch, Labels, Names } from '../container.ts';

const SHORT_ID = 12;

/** What a container is called while the engine does not say: its id, cut as engines do if it is a long number. */
export function shortId(id: string): string {
  return /^[0-9a-f]{32,}$/.test(id) ? id.slice(0, SHORT_ID) : id;
}

/** The labels of a container. Two may have the same ones; the exposition tells them apart. */
export function labelsOf({ engine, id, podUid }: CgroupMatch, names: Names): Labels {
  return {
    engine,
    namespace: names.namespace ?? '',
    pod: names.pod ?? podUid ?? '',
    container: names.containerInPod ?? names.name ?? shortId(id),
  };
}

import type { CgroupMatch, Labels, Names } from '../container.ts';

const SHORT_ID = 12;

/** The name of a container without one from the engine: its id, shortened like engines do if it is a long hex number. */
export function shortId(id: string): string {
  return /^[0-9a-f]{32,}$/.test(id) ? id.slice(0, SHORT_ID) : id;
}

/** The labels of a container. Two containers can have the same labels; the exposition makes them distinct. */
export function labelsOf({ engine, id, podUid }: CgroupMatch, names: Names): Labels {
  return {
    engine,
    namespace: names.namespace ?? '',
    pod: names.pod ?? podUid ?? '',
    container: names.containerInPod ?? names.name ?? shortId(id),
  };
}

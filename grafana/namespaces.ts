import { IDENTITY, onHosts } from './queries.ts';

/**
 * Kinds of namespaces that engines isolate by default. Most containers share user, cgroup or time with the host.
 */
export const APART_BY_DEFAULT = 'ns=~"pid|net|mnt|ipc|uts"';

/** 1 for each container that shares one of these with the host, 0 for each that does not. */
export const SHARES_WITH_HOST = `max by (${IDENTITY}) (${onHosts('isolation_container_host_namespace', APART_BY_DEFAULT)})`;

import { IDENTITY, onHosts } from './queries.ts';

/**
 * Kinds of namespaces that engines keep apart by default. Sharing user, cgroup or time with the host is what most
 * containers do, and no sign of anything.
 */
export const APART_BY_DEFAULT = 'ns=~"pid|net|mnt|ipc|uts"';

/** 1 for each container that shares one of these with the host, 0 for each that does not. */
export const SHARES_WITH_HOST = `max by (${IDENTITY}) (${onHosts('isolation_container_host_namespace', APART_BY_DEFAULT)})`;

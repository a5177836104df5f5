/** What an exporter needs to see all that it should. The alert IsolationSourceDown is about these. */
export const NEEDED_SOURCES = 'source!~"kmsg|psi"';

/** What only adds detail, and many hosts do without: PSI is off by default on some, and /dev/kmsg takes a capability. */
export const DETAIL_SOURCES = 'source=~"kmsg|psi"';

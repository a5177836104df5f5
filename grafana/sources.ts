/** The sources that every exporter needs, covered by the alert IsolationSourceDown. */
export const NEEDED_SOURCES = 'source!~"kmsg|psi"';

/** Sources that only add detail and that many hosts lack: PSI is off by default on some, and /dev/kmsg needs a capability. */
export const DETAIL_SOURCES = 'source=~"kmsg|psi"';

/** The names of the capabilities by their bit, without `CAP_` (include/uapi/linux/capability.h; capabilities(7)). */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;
export type Capability = (typeof NAMES)[number];

/** A set of capabilities: bit n is capability n. */
export type CapabilitySet = bigint;

/** Every capability, including ones newer than this list. */
export const ALL_CAPABILITIES: CapabilitySet = (1n << 64n) - 1n;

/** The set of the named capabilities. */
export function capabilitySet(...names: readonly Capability[]): CapabilitySet {
  return names.reduce((set, name) => set | (1n << BigInt(NAMES.indexOf(name))), 0n);
}

/** The names in a set, lowest bit first. A capability newer than this list is a number (`41`). */
export function capabilityNames(set: CapabilitySet): string[] {
  const names: string[] = [];
  for (let bit = 0, rest = set; rest !== 0n; bit += 1, rest >>= 1n) {
    if ((rest & 1n) === 1n) names.push(NAMES[bit] ?? String(bit));
  }
  return names;
}

/**
 * Parses a set in the format of `/proc/<pid>/status`, 16 hex digits:
 *
 *     00000000a80425fb
 *     000001ffffffffff
 *     0000000000000000
 *
 * @throws SyntaxError for anything else.
 */
export function parseCapabilitySet(text: string): CapabilitySet {
  if (!/^[0-9a-f]{16}$/.test(text)) throw new SyntaxError(`Cannot parse ${JSON.stringify(text)} as capabilities`);
  return BigInt(`0x${text}`);
}

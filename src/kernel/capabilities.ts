/** The capabilities of Linux by their number (include/uapi/linux/capability.h), without `CAP_` in front. */
const CAPABILITIES = [
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

/**
 * Names the capabilities of a set as `/proc/<pid>/status` has it: 16 hex digits, one bit each.
 *
 *     CapEff:	00000000a80425fb
 *     CapBnd:	000001ffffffffff
 *
 * One that is newer than this list is called by its number (`41`).
 *
 * @throws SyntaxError if it is not hex digits.
 */
export function capabilitiesIn(hex: string): string[] {
  if (!/^[0-9a-f]{1,16}$/.test(hex)) throw new SyntaxError(`Cannot parse ${JSON.stringify(hex)} as capabilities`);
  const set = BigInt(`0x${hex}`);
  const numbers = Array.from({ length: 64 }, (_, number) => number);
  return numbers
    .filter((number) => (set >> BigInt(number)) % 2n === 1n)
    .map((number) => CAPABILITIES[number] ?? String(number));
}

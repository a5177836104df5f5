/** A rule of the v1 devices controller: which access a cgroup has to some devices. */
export interface DeviceRule {
  /** `a`: both kinds. */
  readonly type: 'a' | 'b' | 'c';
  /** `undefined`: any. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters `r` (read), `w` (write) and `m` (mknod). */
  readonly access: string;
}

/**
 * Parses `devices.list` of cgroup v1 (Documentation/admin-guide/cgroup-v1/devices.rst):
 *
 *     a *:* rwm
 *     c 136:* rwm
 *     b *:* m
 *
 * @throws SyntaxError for any other line.
 */
export function parseDevicesList(text: string): DeviceRule[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const found = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line);
      if (found === null) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a device rule`);
      const [, type, major = '', minor = '', access = ''] = found;
      return { type: type as DeviceRule['type'], major: numberOf(major), minor: numberOf(minor), access };
    });
}

function numberOf(field: string): number | undefined {
  return field === '*' ? undefined : Number(field);
}

/** A rule of the v1 devices controller: what a cgroup may do with some device nodes. */
export interface DeviceRule {
  /** `a` is both kinds. */
  readonly type: 'a' | 'b' | 'c';
  /** `undefined` is any. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters out of `r` (read), `w` (write) and `m` (make the node). */
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
      if (found === null) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a rule for devices`);
      const [, type, major = '', minor = '', access = ''] = found;
      return { type: type as DeviceRule['type'], major: numberOf(major), minor: numberOf(minor), access };
    });
}

function numberOf(field: string): number | undefined {
  return field === '*' ? undefined : Number(field);
}

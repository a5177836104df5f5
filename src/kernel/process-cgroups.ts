/** The cgroups of a process by controller (`memory`, `name=systemd`, …). The key of cgroup2 is `''`. */
export type ProcessCgroups = ReadonlyMap<string, string>;

/**
 * Parses `/proc/<pid>/cgroup` (cgroups(7)), one hierarchy a line:
 *
 *     8:pids:/jobs/3f1c
 *     4:memory:/system.slice/docker.service/jobs/3f1c
 *     1:name=systemd:/jobs/3f1c
 *     0::/jobs/3f1c
 *
 * Paths are relative to the root of the reader's cgroup namespace. Outside it they begin with `/..`.
 *
 * @throws SyntaxError for a line with fewer than three fields.
 */
export function parseProcessCgroups(text: string): ProcessCgroups {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    // A path can have colons; neither an id nor a controller can.
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) throw new SyntaxError(`Cannot parse cgroup line ${JSON.stringify(line)}`);
    const path = line.slice(second + 1);
    for (const controller of line.slice(first + 1, second).split(',')) found.set(controller, path);
  }
  return found;
}

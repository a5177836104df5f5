/**
 * Parses only the names of block devices in `/proc/diskstats` (Documentation/admin-guide/iostats.rst):
 *
 *     254       0 vda 2381 1 191234 805 …
 *     254      16 vdb 96 0 4480 20 …
 *       7       0 loop0 0 0 0 0 …
 *
 * Other lines are skipped: a device without a name is shown by its number.
 *
 * @returns names such as `vda` by `major:minor`.
 */
export function parseDiskNames(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [, major, minor, name] of text.matchAll(/^ *(\d+) +(\d+) (\S+) /gm)) {
    if (name !== undefined) names.set(`${major}:${minor}`, name);
  }
  return names;
}

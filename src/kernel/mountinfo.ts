const REMOVED = /\/\/deleted$/;

/** One line of `/proc/<pid>/mountinfo`. */
export interface Mount {
  /** Unique over all mount namespaces at any one time. */
  readonly id: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The mounted file or directory of that file system, as a path from its root. */
  readonly root: string;
  /** Somebody has removed that file or directory since: no path of the file system leads to it. */
  readonly isRemoved: boolean;
  readonly mountPoint: string;
  /** Per-mount options, such as `ro,relatime`; see {@link hasOption}. */
  readonly options: string;
  /** Propagation: `shared:N`, `master:N`, … */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Options of the file system, such as `rw,errors=remount-ro`. */
  readonly superOptions: string;
}

/** The number of fields before the optional ones. */
const FIXED_FIELDS = 6;

/**
 * Parses `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)):
 *
 *     35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
 *     41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
 *     60 52 254:0 /var/lib/x\040y /data ro,relatime master:1 - ext4 /dev/vda rw
 *     63 52 254:0 /etc/passwd//deleted /etc/passwd rw,relatime - ext4 /dev/vda rw
 *
 * Space, tab, newline and backslash in paths are octal escapes. `//deleted` is the kernel's mark for a removed root, as no name has a slash.
 *
 * @throws SyntaxError for a line without the ` - ` separator or with fewer fields.
 */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').filter(Boolean).map(parseLine);
}

function parseLine(line: string): Mount {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', FIXED_FIELDS);
  const [id, , device, root, mountPoint, options] = fields;
  const [type, source, superOptions = ''] = separator < 0 ? [] : fields.slice(separator + 1);
  if (
    id === undefined ||
    device === undefined ||
    root === undefined ||
    mountPoint === undefined ||
    options === undefined ||
    type === undefined ||
    source === undefined
  ) {
    throw new SyntaxError(`Cannot parse mountinfo line ${JSON.stringify(line)}`);
  }
  return {
    id,
    device,
    root: unescapeOctal(root).replace(REMOVED, ''),
    isRemoved: REMOVED.test(root),
    mountPoint: unescapeOctal(mountPoint),
    options,
    propagation: fields.slice(FIXED_FIELDS, separator),
    type,
    source: unescapeOctal(source),
    superOptions,
  };
}

/** Whether a list of options, such as `ro,relatime`, has an option without a value. */
export function hasOption(options: string, name: string): boolean {
  return options.includes(name) && options.split(',').includes(name);
}

/** Escapes a path as mountinfo does: space, tab, newline and backslash as octal escapes. */
export function escapeOctal(path: string): string {
  return path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Undoes {@link escapeOctal}. The kernel escapes values of `superOptions` in the same way, and `,` and `=` in them too. */
export function unescapeOctal(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

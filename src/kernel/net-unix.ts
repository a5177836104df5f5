/** `__SO_ACCEPTCON`: a listening socket. */
const LISTENING = 0x1_0000;

/**
 * Finds the paths of listening sockets in `/proc/<pid>/net/unix` (proc_pid_net(5)), as passed to bind():
 *
 *     Num       RefCount Protocol Flags    Type St Inode Path
 *     0000000024fb1dc1: 00000002 00000000 00010000 0001 01 22419 /run/docker.sock
 *     000000007a17cbcd: 00000003 00000000 00000000 0001 03 166108
 *
 * Omits names in the abstract namespace, which begin with `@`, and relative paths. Removes duplicates.
 *
 * @throws SyntaxError for a line with fewer fields.
 */
export function parseListeningPaths(text: string): string[] {
  const paths = new Set<string>();
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const found = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ [0-9A-F]+ +\d+(?: (.*))?$/.exec(line);
    // A path can contain a newline; the text after it is not a line of its own.
    if (found === null && !/^[0-9a-f]{8,}: /.test(line)) continue;
    const [, flags, path] = found ?? [];
    if (flags === undefined) throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a line of net/unix`);
    if (path?.startsWith('/') === true && (Number.parseInt(flags, 16) & LISTENING) !== 0) paths.add(path);
  }
  return [...paths];
}

/** `__SO_ACCEPTCON`: a listening socket. */
const LISTENING = 0x1_0000;

/**
 * Finds the paths of listening sockets in `/proc/<pid>/net/unix` (proc_pid_net(5)), as passed to bind():
 *
 *     Num       RefCount Protocol Flags    Type St Inode Path
 *     0000000024fb1dc1: 00000002 00000000 00010000 0001 01 22419 /run/docker.sock
 *     000000007a17cbcd: 00000003 00000000 00000000 0001 03 166108
 *
 * Omits names in the abstract namespace, which begin with `@`, and relative paths. Removes duplicates. The kernel does not escape a
 * path, and any process can bind one with a newline in it. Text that is no line is therefore skipped: it is a part of such a path.
 *
 * @throws SyntaxError for another first line.
 */
export function parseListeningPaths(text: string): string[] {
  const paths = new Set<string>();
  const [header = '', ...lines] = text.split('\n');
  if (!/^(?:Num +RefCount +Protocol +Flags +Type +St +Inode +Path)?$/.test(header)) {
    throw new SyntaxError(`Cannot parse ${JSON.stringify(header)} as the first line of net/unix`);
  }
  for (const line of lines) {
    const found = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ [0-9A-F]+ +\d+(?: (.*))?$/s.exec(line);
    const [, flags = '', path] = found ?? [];
    if (path?.startsWith('/') === true && (Number.parseInt(flags, 16) & LISTENING) !== 0) paths.add(path);
  }
  return [...paths];
}

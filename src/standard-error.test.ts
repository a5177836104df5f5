import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { StandardError } from './standard-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'isolation-stderr-'));
afterAll(() => rmSync(directory, { recursive: true }));

const notice = (dropped: number): string => `${dropped} dropped\n`;

/** A pipe that somebody holds open and does not read, and that is full. */
function fullPipe(name: string): { readonly end: number; readonly drain: () => string } {
  const path = join(directory, name);
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // This end waits, as those that engines pass on do.
  const end = openSync(path, constants.O_WRONLY);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const part = Buffer.alloc(4096, 'x');
  try {
    for (;;) writeSync(filler, part);
  } catch {
    closeSync(filler);
  }
  const drain = (): string => {
    const all = Buffer.alloc(1024 * 1024);
    let length = 0;
    try {
      for (;;) {
        const read = readSync(reader, all, length, all.length - length, null);
        if (read === 0) break;
        length += read;
      }
    } catch {
      // Empty.
    }
    return all.toString('utf8', 0, length).replace(/^x+/, '');
  };
  return { end, drain };
}

test('a pipe that nobody reads stops nobody, and the lines that did not fit are counted', () => {
  const { end, drain } = fullPipe('full');
  const stderr = new StandardError(notice, end);
  const begin = performance.now();
  for (let nth = 0; nth < 1_000; nth += 1) stderr.write(`line ${nth}\n`);
  expect(performance.now() - begin).toBeLessThan(2_000);
  expect(drain()).toBe('');
  stderr.write('later\n');
  expect(drain()).toBe('line 0\n999 dropped\nlater\n');
});

test('a line that is longer than the pipe holds is not mixed with others', () => {
  const { end, drain } = fullPipe('long');
  drain();
  const stderr = new StandardError(notice, end);
  const long = `${'y'.repeat(100_000)}\n`;
  stderr.write(long);
  stderr.write('dropped\n');
  const first = drain();
  stderr.write('last\n');
  expect(first + drain()).toBe(`${long}1 dropped\nlast\n`);
});

test('a reader that has gone stops nobody', () => {
  const { end } = fullPipe('gone');
  const stderr = new StandardError(notice, end);
  closeSync(end);
  for (let nth = 0; nth < 3; nth += 1) stderr.write('line\n');
});

test('a socket that nobody reads stops nobody, as that of the journal', async () => {
  const program = `
    import { StandardError } from ${JSON.stringify(fileURLToPath(new URL('./standard-error.ts', import.meta.url)))};
    const stderr = new StandardError(() => '');
    for (let nth = 0; nth < 3000; nth += 1) stderr.write('z'.repeat(1000) + '\\n');
    process.stdout.write('done');`;
  // Node's pipes are sockets. Nobody reads this one.
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said] = await Promise.race([
    new Promise<string[]>((resolve) =>
      child.stdout.setEncoding('utf8').once('data', (text: string) => resolve([text])),
    ),
    new Promise<string[]>((resolve) => setTimeout(() => resolve(['stuck']), 20_000)),
  ]);
  child.kill('SIGKILL');
  expect(said).toBe('done');
});

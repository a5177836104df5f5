import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { PathProbes } from './path-probes.ts';

const directory = mkdtempSync(join(tmpdir(), 'isolation-probes-'));
writeFileSync(join(directory, 'file'), 'words');
afterAll(() => rmSync(directory, { recursive: true }));

const said: [level: string, subject: unknown, message: string][] = [];
const open: PathProbes[] = [];
afterEach(() => {
  said.length = 0;
  for (const probes of open.splice(0)) probes[Symbol.dispose]();
});

function startProbes(): PathProbes {
  const probes = new PathProbes({
    info: ({ subject }: { subject?: unknown }, message: string) => said.push(['info', subject, message]),
    warn: ({ subject }: { subject?: unknown }, message: string) => said.push(['warn', subject, message]),
  });
  open.push(probes);
  return probes;
}

/** The probe processes of this process. */
function processes(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('probe-program'))
      .map(Number),
  );
}

/** Stops the running probe process, so that it is as silent as one with a blocked call. */
async function silence(probes: PathProbes): Promise<number> {
  await probes.start();
  const pid = processes().find((each) => !/^State:\tT/m.test(readFileSync(`/proc/${each}/status`, 'utf8'))) ?? 0;
  process.kill(pid, 'SIGSTOP');
  // The signal takes effect after a moment.
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^State:\tT/m));
  return pid;
}

describe('a look-up', () => {
  test('tells the owner of a path, and follows no link', async () => {
    symlinkSync('/nowhere', join(directory, 'link'));
    expect(await startProbes().ask('a', { look: 'owner', path: join(directory, 'link') })).toEqual({
      kind: 'value',
      value: { uid: process.getuid?.(), gid: expect.any(Number), mode: 0o120777 },
    });
  });

  test('tells the code of an error', async () => {
    const probes = startProbes();
    expect(await probes.ask('a', { look: 'identity', path: '/nowhere' })).toEqual({ kind: 'error', code: 'ENOENT' });
    expect(await probes.ask('a', { look: 'blockDevices', path: join(directory, 'file'), skip: [] })).toEqual({
      kind: 'error',
      code: 'ENOTDIR',
    });
  });

  test('reads no more of a file than is asked for', async () => {
    const probes = startProbes();
    const ask = (path: string): Promise<unknown> => probes.ask('a', { look: 'text', path, most: 3 });
    expect(await ask(join(directory, 'file'))).toEqual({ kind: 'value', value: 'wor' });
    expect(await ask('/dev/zero')).toEqual({ kind: 'value', value: '\0\0\0' });
  });

  test('does not wait for the writer of a FIFO', async () => {
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    expect(await startProbes().ask('a', { look: 'text', path: join(directory, 'fifo'), most: 3 })).toEqual({
      kind: 'value',
      value: '',
    });
  });

  test('finds a link to one of several targets', async () => {
    mkdirSync(join(directory, 'fd'));
    for (const [index, target] of ['/dev/null', 'anon_inode:kvm-vm'].entries()) {
      symlinkSync(target, join(directory, 'fd', String(index)));
    }
    const probes = startProbes();
    const ask = (...targets: readonly string[]): Promise<unknown> =>
      probes.ask('a', { look: 'linkTo', path: join(directory, 'fd'), targets });
    expect(await ask('/dev/mshv', 'anon_inode:kvm-vm')).toEqual({ kind: 'value', value: 'yes' });
    expect(await ask('/dev/mshv')).toEqual({ kind: 'value', value: 'no' });
  });
});

describe('a look-up that does not return', () => {
  test('leaves its subject unanswered, answers others, is reported once, and ends by itself', async () => {
    const probes = startProbes();
    const pid = await silence(probes);
    const stuck = probes.ask('hostile', { look: 'owner', path: '/' });
    const again = probes.ask('hostile', { look: 'identity', path: '/' });
    const other = probes.ask('other', { look: 'owner', path: '/' });
    expect(await other).toMatchObject({ kind: 'value' });
    expect([await stuck, await again]).toEqual([{ kind: 'unanswered' }, { kind: 'unanswered' }]);
    expect(probes.isStuck('hostile')).toBe(true);
    expect(probes.isStuck('other')).toBe(false);
    expect(probes.stuck).toBe(1);
    expect(await probes.ask('hostile', { look: 'owner', path: '/' })).toEqual({ kind: 'unanswered' });
    expect(await probes.ask('other', { look: 'owner', path: '/' })).toMatchObject({ kind: 'value' });
    process.kill(pid, 'SIGCONT');
    await vi.waitFor(() => expect(probes.isStuck('hostile')).toBe(false), { timeout: 10_000 });
    expect(await probes.ask('hostile', { look: 'owner', path: '/' })).toMatchObject({ kind: 'value' });
    expect(said.map(([level, subject]) => [level, subject])).toEqual([
      ['warn', 'hostile'],
      ['info', 'hostile'],
    ]);
  }, 60_000);

  test('keeps no more than a few processes, and none that is asked for afterwards', async () => {
    const probes = startProbes();
    for (let index = 0; index < 5; index += 1) {
      await silence(probes);
      expect(await probes.ask(`hostile ${index}`, { look: 'owner', path: '/' })).toEqual({ kind: 'unanswered' });
    }
    expect(await probes.ask('other', { look: 'owner', path: '/' })).toMatchObject({ kind: 'value' });
    // Three processes are blocked, and one works.
    await vi.waitFor(() => expect(processes().length).toBeLessThanOrEqual(4), { timeout: 10_000 });
    expect(probes.stuck).toBe(5);
    probes[Symbol.dispose]();
    await vi.waitFor(() => expect(processes()).toEqual([]), { timeout: 10_000 });
    expect(await probes.ask('other', { look: 'owner', path: '/' })).toEqual({ kind: 'unanswered' });
  }, 120_000);

  test('is not one that is slow', async () => {
    const probes = startProbes();
    const pid = await silence(probes);
    const slow = probes.ask('a', { look: 'owner', path: '/' });
    const other = await probes.ask('b', { look: 'owner', path: '/' });
    expect(other).toMatchObject({ kind: 'value' });
    await sleep(300);
    process.kill(pid, 'SIGCONT');
    expect(await slow).toMatchObject({ kind: 'value' });
    expect(said).toEqual([]);
    await vi.waitFor(() => expect(processes().length).toBe(1), { timeout: 10_000 });
  }, 60_000);
});

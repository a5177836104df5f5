import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { ProbeProcess } from './probe-process.ts';

const QUIET = { onSilent: () => {}, onReply: () => {}, onEnd: () => {} };

test('a start on a busy machine takes as long as it takes', async () => {
  const busy = '--import=data:text/javascript,for (const end = Date.now() + 2000; Date.now() < end; );';
  using probe = closing(new ProbeProcess(QUIET, { startMs: 500, flags: [busy] }));
  const reply = await new Promise((settle) => {
    probe.it.ask({ subject: 'test', question: { look: 'realPath', path: '/proc' }, shownAs: '/proc', settle });
  });
  expect(reply).toMatchObject({ value: '/proc' });
});

test('a process that gets no further is ended', async () => {
  const onEnd = vi.fn();
  const others = new Set(children());
  using _probe = closing(new ProbeProcess({ ...QUIET, onEnd }, { startMs: 100 }));
  const [pid = 0] = children().filter((child) => !others.has(child));
  process.kill(pid, 'SIGSTOP');
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce(), { timeout: 10_000 });
});

function closing(it: ProbeProcess): { readonly it: ProbeProcess } & Disposable {
  return { it, [Symbol.dispose]: () => it.kill() };
}

/** The pids of this process's children. */
function children(): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').map(Number),
  );
}

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectToServiceManager } from './service-manager.ts';

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const sent: string[] = [];
const send = async (message: string): Promise<void> => void sent.push(message);
const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  vi.clearAllMocks();
  sent.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

test('sends nothing without a service manager', () => {
  for (const environment of [{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '30000000' }]) {
    using manager = connectToServiceManager(environment, { log, send });
    manager.ready();
  }
  expect([sent, vi.getTimerCount()]).toEqual([[], 0]);
});

test('sends READY once the daemon serves, then WATCHDOG four times in each time-out', async () => {
  const manager = connectToServiceManager({ ...SOCKET, WATCHDOG_USEC: '30000000' }, { log, send });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([]);
  manager.ready();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(sent).toEqual(['READY=1', ...Array(4).fill('WATCHDOG=1')]);
  manager[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  {},
  { WATCHDOG_USEC: '' },
  { WATCHDOG_USEC: '0' },
  { WATCHDOG_USEC: '-1' },
  { WATCHDOG_USEC: 'x' },
  { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' },
])('sends only READY without a watchdog for this process: %j', async (environment) => {
  using manager = connectToServiceManager({ ...SOCKET, ...environment }, { log, send });
  manager.ready();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual(['READY=1']);
});

test('a message that cannot be sent is logged once, and the next is tried', async () => {
  let fails = true;
  const flaky = async (message: string): Promise<void> => {
    if (fails) throw new Error('ENOENT');
    sent.push(message);
  };
  using manager = connectToServiceManager({ ...SOCKET, WATCHDOG_USEC: '4000000' }, { log, send: flaky });
  manager.ready();
  await vi.advanceTimersByTimeAsync(12_000);
  expect(log.warn).toHaveBeenCalledTimes(1);
  fails = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent[0]).toBe('READY=1');
  fails = true;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(log.warn).toHaveBeenCalledTimes(2);
  sent.length = 0;
  fails = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual(['WATCHDOG=1']);
});

test('messages do not pile up behind one that hangs', async () => {
  let calls = 0;
  const hanging = (): Promise<void> => {
    calls += 1;
    return new Promise(() => {});
  };
  using manager = connectToServiceManager({ ...SOCKET, WATCHDOG_USEC: '4000000' }, { log, send: hanging });
  manager.ready();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toBe(1);
});

test('a program that is not there is an error like any other', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  using manager = connectToServiceManager(SOCKET, { log });
  manager.ready();
  await expect.poll(() => log.warn.mock.calls.length).toBe(1);
  vi.unstubAllEnvs();
});

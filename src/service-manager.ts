import { spawn } from 'node:child_process';
import type { Log } from './log.ts';

/** The program that sends messages to systemd. Node.js has no datagram sockets in the file system. */
const PROGRAM = 'systemd-notify';

/** How long a message may take, in ms: a program starts, on a machine that may be short of CPU. */
const SEND_MS = 30_000;

/** Until systemd has received READY=1, the message is repeated after this time, in ms. */
const READY_AGAIN_MS = 5_000;

/** How many messages are sent within the time after which systemd restarts a silent daemon. */
const MESSAGES_PER_TIMEOUT = 4;

/** Tells the service manager that the daemon serves, and repeatedly that it still does (sd_notify(3)). */
export interface ServiceManager extends Disposable {
  /** The daemon serves. From now on a timer reports that its event loop runs. */
  ready(): void;
}

/**
 * Connects to the service manager by the variables that systemd sets: `NOTIFY_SOCKET` with `Type=notify`, and
 * `WATCHDOG_USEC` (in microseconds) and `WATCHDOG_PID` with `WatchdogSec=`. Without them it sends nothing.
 *
 * @param options.send sends one message; for tests.
 */
export function connectToServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly log: Log; readonly send?: (message: string) => Promise<void> },
): ServiceManager {
  const { log, send = sendByProgram } = options;
  const { NOTIFY_SOCKET: socket } = environment;
  if (socket === undefined || socket === '') return { ready() {}, [Symbol.dispose]() {} };
  const timeout = watchdogOf(environment);
  let timer: NodeJS.Timeout | undefined;
  let isSending = false;
  let isReady = false;
  let saidFailed = false;

  async function tell(): Promise<void> {
    // Do not start a second program while the first one hangs.
    if (isSending) return;
    isSending = true;
    try {
      await send(isReady ? 'WATCHDOG=1' : 'READY=1');
      saidFailed = false;
      if (!isReady) repeatEvery(timeout === undefined ? undefined : timeout / MESSAGES_PER_TIMEOUT);
      isReady = true;
    } catch (error) {
      if (!saidFailed)
        log.warn({ error }, 'cannot notify systemd; it will restart the daemon unless notifications resume');
      saidFailed = true;
    } finally {
      isSending = false;
    }
  }

  function repeatEvery(ms: number | undefined): void {
    clearInterval(timer);
    timer = ms === undefined ? undefined : setInterval(() => void tell(), ms).unref();
  }

  return {
    ready() {
      repeatEvery(READY_AGAIN_MS);
      void tell();
    },
    [Symbol.dispose]() {
      repeatEvery(undefined);
    },
  };
}

/** The time-out of the watchdog in ms; `undefined` without one, or if it watches another process. */
function watchdogOf({
  WATCHDOG_USEC: microseconds = '',
  WATCHDOG_PID: pid,
}: Readonly<Record<string, string | undefined>>): number | undefined {
  if (!/^\d{1,15}$/.test(microseconds) || Number(microseconds) === 0) return undefined;
  return pid === undefined || Number(pid) === process.pid ? Number(microseconds) / 1000 : undefined;
}

function sendByProgram(message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, [message], { stdio: 'ignore', timeout: SEND_MS, killSignal: 'SIGKILL' });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${PROGRAM} failed: ${signal ?? `exit code ${code}`}`)),
    );
    // The program must not keep the daemon alive.
    child.unref();
  });
}

import { spawn } from 'node:child_process';
import type { Log } from './log.ts';

/** What sends messages to systemd: Node.js has no datagram sockets in the file system. */
const PROGRAM = 'systemd-notify';

/** How long a message may take, in ms. */
const SEND_MS = 10_000;

/** Of the time after which systemd takes a silent daemon for dead, how often it hears of it. */
const MESSAGES_PER_TIMEOUT = 4;

/** Tells the service manager that the daemon serves, and again and again that it still does (sd_notify(3)). */
export interface ServiceManager extends Disposable {
  /** The daemon serves. From now on a timer reports that its event loop runs. */
  ready(): void;
}

/**
 * Connects to the service manager by the variables that systemd sets: `NOTIFY_SOCKET` with `Type=notify`, and
 * `WATCHDOG_USEC` (in microseconds) and `WATCHDOG_PID` with `WatchdogSec=`. Without them there is nobody to tell.
 *
 * @param options.send sends one message; it is there for tests.
 */
export function connectToServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly log: Log; readonly send?: (message: string) => Promise<void> },
): ServiceManager {
  const { log, send = sendByProgram } = options;
  const { NOTIFY_SOCKET: socket } = environment;
  if (socket === undefined || socket === '') return { ready() {}, [Symbol.dispose]() {} };
  let timer: NodeJS.Timeout | undefined;
  let isSending = false;
  let saidFailed = false;

  async function tell(message: string): Promise<void> {
    // One that hangs is not to be joined by others.
    if (isSending) return;
    isSending = true;
    try {
      await send(message);
      saidFailed = false;
    } catch (error) {
      if (!saidFailed)
        log.warn({ error }, 'cannot notify systemd; it will restart the daemon unless notifications resume');
      saidFailed = true;
    } finally {
      isSending = false;
    }
  }

  return {
    ready() {
      void tell('READY=1');
      const timeout = watchdogOf(environment);
      if (timeout === undefined) return;
      timer = setInterval(() => void tell('WATCHDOG=1'), timeout / MESSAGES_PER_TIMEOUT).unref();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}

/** In ms; `undefined` if nobody watches, or another process is meant. */
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
    // It does not keep the process alive.
    child.unref();
  });
}

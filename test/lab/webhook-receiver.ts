import { fileURLToPath } from 'node:url';
import { eventually, type Machine, quote } from './machine.ts';

/** A receiver of Alertmanager's notifications. */
export interface WebhookReceiver extends AsyncDisposable {
  /** The address of the receiver, as `host:port`. */
  readonly address: string;
  /** The notifications so far, oldest first. */
  received(): Promise<readonly Notification[]>;
}

export interface Notification {
  /** The time of arrival, in seconds since the Unix epoch by the machine's clock. */
  readonly at: number;
  readonly path: string;
  /** All alerts of the group, including earlier ones. */
  readonly alerts: readonly NotifiedAlert[];
}

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const PROGRAM = fileURLToPath(new URL('webhook-receiver.mjs', import.meta.url));

/** Starts a receiver on a free port of loopback. */
export async function startWebhookReceiver(machine: Machine): Promise<WebhookReceiver> {
  const daemon = await machine.start(`exec ${quote(process.execPath, PROGRAM)}`);
  // The last line may be incomplete.
  const lines = async () => (await daemon.output()).stdout.split('\n').slice(0, -1);
  try {
    const address = await eventually(
      'the receiver listens',
      async () => {
        const [first] = await lines();
        return first === undefined ? undefined : `127.0.0.1:${(JSON.parse(first) as { port: number }).port}`;
      },
      { timeoutMs: 30_000 * machine.slowness },
    );
    return {
      address,
      received: async () => (await lines()).slice(1).map((line) => JSON.parse(line) as Notification),
      [Symbol.asyncDispose]: () => daemon.stop(),
    };
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

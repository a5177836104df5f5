import { eventually, type Machine, succeed } from './machine.ts';

/** A running Alertmanager. */
export interface Alertmanager extends AsyncDisposable {
  /** The address of Alertmanager, as `host:port`. */
  readonly address: string;
  /** Sends alerts to Alertmanager that fire from now on. */
  tell(alerts: readonly AlertLabels[]): Promise<void>;
  /** All alerts that it has. */
  alerts(): Promise<readonly AlertState[]>;
  /** What it has logged. */
  log(): Promise<string>;
}

/** The labels of an alert. */
export type AlertLabels = Readonly<Record<string, string>>;

/** The state of an alert. */
export interface AlertState {
  readonly labels: AlertLabels;
  readonly status: {
    readonly state: 'unprocessed' | 'active' | 'suppressed';
    /** The alerts that inhibit this one, by fingerprint. */
    readonly inhibitedBy: readonly string[];
  };
  readonly receivers: readonly { readonly name: string }[];
}

/** Starts Alertmanager with a configuration, on a free port of loopback, and waits until it answers. */
export async function startAlertmanager(machine: Machine, config: string): Promise<Alertmanager> {
  const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-alertmanager-XXXXXX');
  const daemon = await machine.start(
    `cat > ${directory}/config.yml <<'END'\n${config}\nEND
    exec "$(command -v prometheus-alertmanager || command -v alertmanager)" --config.file=${directory}/config.yml \\
      --storage.path=${directory}/data --web.listen-address=127.0.0.1:0 --cluster.listen-address=`,
  );
  const stop = async () => {
    await daemon.stop();
    await succeed(machine, `rm -rf ${directory}`);
  };
  const log = async () => (await daemon.output()).stderr;
  const timeoutMs = 60_000 * machine.slowness;
  try {
    const address = await eventually(
      'Alertmanager listens',
      async () => /msg="Listening on" address=(\S+)/.exec(await log())?.[1],
      { timeoutMs },
    );
    const curl = (path: string, rest = '') =>
      succeed(machine, `curl -sS --fail -m 60 http://${address}${path} ${rest}`);
    await eventually('Alertmanager answers', () => curl('/-/ready'), { timeoutMs });
    return {
      address,
      async tell(alerts) {
        // The largest number of alerts for which a script does not exceed the kernel's limit on arguments.
        for (let from = 0; from < alerts.length; from += 200) {
          const body = JSON.stringify(alerts.slice(from, from + 200).map((labels) => ({ labels })));
          await curl('/api/v2/alerts', `-H 'Content-Type: application/json' --data-binary @- <<'END'\n${body}\nEND`);
        }
      },
      alerts: async () => JSON.parse(await curl('/api/v2/alerts')) as AlertState[],
      log,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    const said = await log();
    await stop();
    throw new Error(`Alertmanager does not answer. Its log:\n${said}`, { cause: error });
  }
}

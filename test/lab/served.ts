import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';

/** A target on a free port of loopback. */
export interface Served extends AsyncDisposable {
  /** Where it listens, as `host:port`. */
  readonly address: string;
}

/** Serves an exposition in the text format. @param body gets how many scrapes there were before. */
export async function serve(body: (scrapes: number) => string): Promise<Served> {
  let scrapes = 0;
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(body(scrapes));
    scrapes += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A configuration of Prometheus that scrapes targets each second. */
export function configOf(targets: readonly Served[]): string {
  return stringify({
    global: { scrape_interval: '1s' },
    scrape_configs: [
      { job_name: 'isolation-exporter', static_configs: [{ targets: targets.map(({ address }) => address) }] },
    ],
  });
}

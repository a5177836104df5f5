import { Agent, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { samplesOf, type Samples } from '../lab/exporter.ts';
import { cpuOf } from './vitals.ts';

/** How to ask for a scrape. */
export interface ScrapeOptions {
  readonly encoding?: 'identity' | 'gzip';
  /** Basic authentication, as `user:password` now. */
  readonly login?: () => string;
  readonly path?: string;
}

/** The answer to a scrape. */
export interface Scraped {
  readonly status: number;
  readonly text: string;
  /** Until the answer was complete, in ms. */
  readonly ms: number;
  /** CPU time of the exporter meanwhile, in ms. */
  readonly cpu: number;
}

/** Asks an exporter on loopback over one connection, as Prometheus does. */
export class Scraper implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #pid: number;

  constructor({ port, pid }: { readonly port: number; readonly pid: number }) {
    this.#port = port;
    this.#pid = pid;
  }

  /** @throws Error without an answer in 30 s. */
  async ask(options: ScrapeOptions = {}): Promise<Scraped> {
    const login = options.login?.();
    const answer = await this.#ask(options, login);
    // The password was changed on the way.
    return answer.status === 401 && login !== options.login?.() ? this.ask(options) : answer;
  }

  #ask({ encoding = 'identity', path = '/metrics' }: ScrapeOptions, login: string | undefined): Promise<Scraped> {
    const [begin, before] = [performance.now(), cpuOf(this.#pid)];
    const authorization =
      login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    const headers = { 'accept-encoding': encoding, ...authorization };
    const options = { host: '127.0.0.1', port: this.#port, path, headers, agent: this.#agent };
    return new Promise((resolve, reject) => {
      const asked = request({ ...options, signal: AbortSignal.timeout(30_000) }, (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const [ms, cpu] = [performance.now() - begin, cpuOf(this.#pid) - before];
          const body = Buffer.concat(chunks);
          const text = (response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
          resolve({ status: response.statusCode ?? 0, text, ms, cpu });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** A scrape as samples. @throws Error if it is refused. */
  async samples(options: ScrapeOptions = {}): Promise<Samples> {
    const { status, text } = await this.ask(options);
    if (status !== 200) throw new Error(`/metrics answers ${status}: ${text.slice(0, 200)}`);
    return samplesOf(text);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** What keeps the event loop of the exporter busy, by kind: timers, file watches, sockets… */
export function resourcesIn(samples: Samples): Readonly<Record<string, number>> {
  const found = samples.all.filter(({ name }) => name === 'nodejs_active_resources');
  return Object.fromEntries(
    found.map(({ labels, value }) => [new Map(Object.entries(labels)).get('type') ?? '', value]),
  );
}

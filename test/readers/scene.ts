import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Format } from '../../src/exposition/family-header.ts';
import { DemoCgroups } from '../demo/cgroups.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { eventually } from '../lab/machine.ts';
import { HOSTILE_TEXTS, madeExposition } from './made.ts';

/** The expositions that are read. */
export const DOCUMENTS = [
  { name: 'all collectors, text', path: '/metrics', format: 'text' },
  { name: 'all collectors with created timestamps, OpenMetrics', path: '/metrics', format: 'openmetrics' },
  { name: 'the names of cAdvisor, text', path: '/cadvisor', format: 'text' },
  { name: 'what no container has, text', path: undefined, format: 'text' },
  { name: 'what no container has, OpenMetrics', path: undefined, format: 'openmetrics' },
] as const;

export type DocumentName = (typeof DOCUMENTS)[number]['name'];

const ACCEPT: Readonly<Record<Format, string>> = {
  text: 'text/plain;version=0.0.4',
  openmetrics: 'application/openmetrics-text;version=1.0.0',
};

/** Names that the kernel takes for a cgroup: at most 255 bytes, without NUL, a slash and a newline. */
const HOSTILE_NAMES = [
  ...new Set(
    HOSTILE_TEXTS.map(
      (text, index) =>
        `${index}${text
          .split(/[\0\n/]/)
          .join('')
          .slice(0, 75)}`,
    ),
  ),
];

/** Labels of a container can have anything but NUL. */
const HOSTILE_LABELS = HOSTILE_TEXTS.map((text) => text.replaceAll('\u0000', ''));

/** An exposition, and the file with it. */
interface Document {
  readonly file: string;
  readonly text: string;
}

const COLLECTORS_OFF_BY_DEFAULT = ['layers', 'misc', 'rdma', 'uclamp', 'zswap'];

/** Containers with hostile names and labels, the built exporter beside them, and what it exports, as files. */
export class Scene implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-readers-'));
  readonly #cgroups = new DemoCgroups(`/isolation-exporter-readers-${process.pid}`);
  #docker: Docker | undefined;
  #exporter: Exporter | undefined;
  readonly #texts = new Map<DocumentName, Document>();

  static async start(): Promise<Scene> {
    const scene = new Scene();
    try {
      await scene.#fill();
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  document(name: DocumentName): Document {
    const found = this.#texts.get(name);
    if (found === undefined) throw new Error(`There is no document ${name}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#exporter?.[Symbol.asyncDispose]();
    await this.#docker?.[Symbol.asyncDispose]();
    await this.#cgroups[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true });
  }

  async #fill(): Promise<void> {
    for (const name of HOSTILE_NAMES) this.#startContainer(`lxc.payload.${name}`);
    this.#docker = await startDocker(host);
    const labels = HOSTILE_LABELS.flatMap((text, index) => ['--label', `l${index}=${text}`]);
    await this.#docker.run('--name', 'labelled', '--network', 'none', ...labels, LAB_IMAGE);
    const exporter = await startExporter(host, {
      flags: [
        `--docker.host=unix://${this.#docker.socket}`,
        ...COLLECTORS_OFF_BY_DEFAULT.map((name) => `--collector.${name}`),
        '--collector.findings.all',
        `--container.labels=${HOSTILE_LABELS.map((_, index) => `l${index}`).join()}`,
        '--web.created-timestamps',
        '--web.cadvisor-path=/cadvisor',
      ],
    });
    this.#exporter = exporter;
    await eventually(
      'all containers are exported',
      async () => {
        const found = (await exporter.scrape()).all.filter(({ name }) => name === 'isolation_container_labels_info');
        const named = (await exporter.scrape()).all.filter(
          ({ name, labels }) => name === 'isolation_container_info' && labels['engine'] === 'lxc',
        );
        return found.length >= 1 && named.length >= HOSTILE_NAMES.length ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
    for (const { name, path, format } of DOCUMENTS) {
      const text = path === undefined ? madeExposition(format) : await get(`http://${exporter.address}${path}`, format);
      const file = join(this.#directory, `${this.#texts.size}.txt`);
      writeFileSync(file, text);
      this.#texts.set(name, { file, text });
    }
  }

  #startContainer(name: string): void {
    const files = this.#cgroups.make(name, {});
    const join = 'for file; do echo 0 > "$file" || exit; done; exec sleep 3600';
    spawn('sh', ['-c', join, 'sh', ...files], { stdio: 'ignore' });
  }
}

async function get(url: string, format: Format): Promise<string> {
  const answer = await fetch(url, { headers: { Accept: ACCEPT[format] } });
  const type = answer.headers.get('content-type') ?? '';
  if (!answer.ok || type.startsWith('application/openmetrics-text') !== (format === 'openmetrics')) {
    throw new Error(`${url} answers with ${answer.status} ${type}`);
  }
  return answer.text();
}

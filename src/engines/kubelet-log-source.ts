import type { KubeletLogsConfig } from '../config/config.ts';
import type { CgroupMatch, Names } from '../container.ts';
import type { Log } from '../log.ts';
import { PathProbes } from '../probes/path-probes.ts';
import type { Answers, Outcome } from '../probes/requests.ts';
import { ContainerLogs } from './kubelet-logs.ts';
import { NameCache } from './name-cache.ts';
import type { NameSource, Whereabouts } from './name-source.ts';

/** The maximum number of links. No node has that many containers, even with dead links. */
const MOST_LINKS = 10_000;

/** The owner of the path, for the log. */
const SUBJECT = 'the container logs of the kubelet';

/** In ms. */
interface Timings {
  /**
   * The delays after a container has appeared, in ms: the kubelet creates its link once the container has started. The
   * last delay repeats.
   */
  readonly listAgain: readonly [number, ...number[]];
  readonly keepForgotten: number;
}

const TIMINGS: Timings = { listAgain: [100, 300, 1_000, 3_000, 10_000, 30_000], keepForgotten: 60_000 };

/** The pause after a listing, in ms for each link: reading a link takes a hundredth of that. */
const PAUSE_PER_LINK = 0.2;

/**
 * Whether the kubelet's logs may name a container. They cannot name containers inside a node that is itself a container
 * (kind).
 */
export function isInPodOfHost({ podUid, outer }: CgroupMatch): boolean {
  return podUid !== undefined && outer === undefined;
}

interface SourceOptions {
  readonly config: KubeletLogsConfig;
  readonly probes: Pick<PathProbes, 'ask'>;
  readonly log: Log;
  readonly timings?: Partial<Timings>;
}

/**
 * Names from the log files that the kubelet creates for each container. The source lists a directory and reads its
 * links, without opening or following them. A separate process does this, because the directory may be on a file system
 * that does not answer.
 */
export class KubeletLogSource implements NameSource {
  readonly name = 'kubelet_logs';
  readonly limitHits = new Map([['list_size', 0]]);
  up: boolean | undefined;
  tried = false;
  readonly #options: SourceOptions;
  readonly #timings: Timings;
  /** The pod of each container that has appeared. */
  readonly #wanted = new Map<string, string>();
  readonly #names: NameCache;
  /** The names of the pod of a container. */
  readonly #pods: NameCache;
  #logs = new ContainerLogs([]);
  /** Of the listed directory. */
  #version = '';
  #wasUp = false;
  #saidDown = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, in ms of `performance.now()`. */
  #due = Infinity;
  #notBefore = 0;
  #lists = 0;
  #isListing = false;
  #stopped = false;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.up = options.config.isDefault ? undefined : false;
    const cache = { keepForgottenMs: this.#timings.keepForgotten, isWanted: (id: string) => this.#wanted.has(id) };
    this.#names = new NameCache(cache);
    this.#pods = new NameCache(cache);
    this.#listIn(0);
  }

  mayKnow(match: CgroupMatch): boolean {
    return isInPodOfHost(match);
  }

  namesOf(id: string): Names | undefined {
    return this.#names.get(id);
  }

  podOf(id: string): Names | undefined {
    return this.#pods.get(id);
  }

  want(id: string, { podUid = '' }: Pick<Whereabouts, 'podUid'> = {}): void {
    this.#names.remember(id);
    this.#pods.remember(id);
    this.#wanted.set(id, podUid);
    this.#look(id, podUid);
    if (this.#names.get(id) !== undefined) return;
    this.#lists = 0;
    this.#listIn(this.#timings.listAgain[0]);
  }

  forget(id: string): void {
    this.#wanted.delete(id);
    this.#names.forget(id);
    this.#pods.forget(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#names[Symbol.dispose]();
    this.#pods[Symbol.dispose]();
    this.up &&= false;
  }

  /** Lists the directory after a delay, unless a listing is due earlier. */
  #listIn(ms: number): void {
    if (this.#stopped || this.#isListing) return;
    const due = Math.max(performance.now() + ms, this.#notBefore);
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    // Node 24 warns of a negative time.
    this.#timer = setTimeout(() => void this.#list(), Math.max(0, due - performance.now())).unref();
  }

  /** Lists the directory. Never rejects. */
  async #list(): Promise<void> {
    this.#due = Infinity;
    this.#isListing = true;
    const { listAgain } = this.#timings;
    const delay = listAgain[Math.min(this.#lists, listAgain.length - 1)] ?? listAgain[0];
    this.#lists += 1;
    const { probes, config } = this.#options;
    const outcome = await listLinks(probes, config.directory, this.#version);
    this.#isListing = false;
    if (this.#stopped) return;
    if (outcome.kind === 'value') this.#take(outcome.value);
    else this.#fail(outcome);
    this.tried = true;
    // A container that has appeared meanwhile restarts the delays.
    this.#listIn(this.#lists === 0 ? listAgain[0] : delay);
  }

  #take(links: Answers['links']): void {
    this.up = true;
    this.#wasUp = true;
    if (this.#saidDown) {
      this.#saidDown = false;
      this.#options.log.info({ source: this.name }, 'the container logs can be listed again');
    }
    if (links === 'unchanged') return;
    this.#version = links.version;
    this.#notBefore = performance.now() + links.links.length * PAUSE_PER_LINK;
    if (!links.complete) this.#hitLimit();
    this.#logs = new ContainerLogs(links.links);
    for (const [id, podUid] of this.#wanted) this.#look(id, podUid);
  }

  #look(id: string, podUid: string): void {
    const names = this.#logs.namesOf(id, podUid);
    if (names !== undefined) this.#names.put(id, names);
    const pod = this.#logs.podOf(podUid);
    if (pod !== undefined) this.#pods.put(id, pod);
  }

  #fail(outcome: Outcome<never>): void {
    this.#version = '';
    const error = outcome.kind === 'error' ? outcome.code : 'the look-up does not return';
    // A host without a kubelet lacks this directory, which is not a failure.
    if (this.#options.config.isDefault && !this.#wasUp && outcome.kind === 'error') {
      this.up = undefined;
      this.#options.log.debug({ source: this.name, error }, 'no container logs of a kubelet');
      return;
    }
    this.up = false;
    if (this.#saidDown) return;
    this.#saidDown = true;
    const { directory: path } = this.#options.config;
    this.#options.log.warn({ source: this.name, path, error }, 'cannot list the container logs; using the last names');
  }

  /** Counts every time, logs the first. */
  #hitLimit(): void {
    const hits = this.limitHits.get('list_size') ?? 0;
    this.limitHits.set('list_size', hits + 1);
    if (hits > 0) return;
    this.#options.log.warn({ source: this.name, limit: 'list_size' }, 'too many container logs; some have no name');
  }
}

/**
 * Lists the kubelet's logs once.
 *
 * @throws Error whose message is the code of a system error, such as ENOENT, or says that there was no answer.
 */
export async function listKubeletLogs(directory: string): Promise<ContainerLogs> {
  using probes = new PathProbes({ info() {}, warn() {} });
  const outcome = await listLinks(probes, directory, '');
  if (outcome.kind === 'error') throw new Error(outcome.code);
  if (outcome.kind === 'unanswered') throw new Error('the look-up does not return');
  return new ContainerLogs(outcome.value === 'unchanged' ? [] : outcome.value.links);
}

function listLinks(
  probes: Pick<PathProbes, 'ask'>,
  path: string,
  unlessVersion: string,
): Promise<Outcome<Answers['links']>> {
  return probes.ask(SUBJECT, { look: 'links', path, suffix: '.log', most: MOST_LINKS, unlessVersion });
}

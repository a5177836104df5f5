import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Container, ContainerCgroup, WritableLayer } from '../container.ts';
import { textOf } from '../kernel/bytes.ts';
import { isDenied, isDeniedCode, toError, unseenAsUndefined } from '../kernel/errno.ts';
import { mayWait } from '../kernel/file-system-types.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import { findHostRoot } from '../kernel/host-root.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';
import { HostMounts } from '../posture/host-mounts.ts';
import { LONGEST_MOUNTINFO, MountTable } from '../posture/mount-table.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { upperDirectory } from './upper-directory.ts';

/** The pause between two parts of a count, in ms. A part takes a third of it, so that a count uses a quarter of a CPU. */
const PAUSE_MS = 75;

/** How old the host's mount table may be, in ms: it is long with many containers. */
const TABLE_FOR_MS = 60_000;

interface State {
  /** As the last scrape saw it: only its files are open. */
  container: Container;
  /** With the time of the measurement in seconds since boot. */
  layer: WritableLayer | undefined;
  /** The same for others, by the wall clock as it was set at that time of boot. */
  shown: WritableLayer | undefined;
  bootTime: number;
  /** When to measure again, in ms of `performance.now()`. */
  dueAt: number;
  isQueued: boolean;
}

interface HostTable {
  readonly all: readonly Mount[];
  readonly table: HostMounts;
  /** In ms of `performance.now()`. */
  readonly readAt: number;
}

/** The directory to count, as the probe process opens it. */
interface Place {
  readonly path: string;
  readonly shownAs: string;
  /** The device of the file system, such as `/dev/vda1`. */
  readonly device: string;
}

/** Measures what containers have written over their images: one after the other, and only what somebody asks for. */
export class LayerSizes {
  readonly #kernel: KernelFiles;
  readonly #hostNamespaces: HostNamespaces;
  readonly #probes: Pick<PathProbes, 'ask'>;
  readonly #intervalMs: number;
  readonly #states = new WeakMap<ContainerCgroup, State>();
  readonly #queue: State[] = [];
  #table: HostTable | undefined;
  #isWorking = false;
  readonly #clock: SteadyClock;

  /** @param options.probes serve these counts only. */
  constructor(options: {
    readonly kernel: KernelFiles;
    readonly hostNamespaces: HostNamespaces;
    readonly probes: Pick<PathProbes, 'ask'>;
    readonly intervalMs: number;
    readonly clock?: SteadyClock;
  }) {
    this.#clock = options.clock ?? new SteadyClock();
    this.#kernel = options.kernel;
    this.#hostNamespaces = options.hostNamespaces;
    this.#probes = options.probes;
    this.#intervalMs = options.intervalMs;
  }

  /** The last measurement; `undefined` before the first. If the next one is due, it begins once its turn comes. */
  of(container: Container): WritableLayer | undefined {
    let state = this.#states.get(container.cgroup);
    if (state === undefined) {
      state = { container, layer: undefined, shown: undefined, bootTime: NaN, dueAt: 0, isQueued: false };
      this.#states.set(container.cgroup, state);
    }
    state.container = container;
    if (!state.isQueued && container.init !== undefined && performance.now() >= state.dueAt) {
      state.isQueued = true;
      this.#queue.push(state);
      if (!this.#isWorking) void this.#work();
    }
    return this.#show(state);
  }

  #show(state: State): WritableLayer | undefined {
    const { layer } = state;
    const bootTime = this.#clock.bootTime();
    if (state.shown === undefined || state.bootTime !== bootTime) {
      const size = layer?.size;
      state.shown =
        layer !== undefined && typeof size === 'object'
          ? { ...layer, size: { ...size, at: this.#clock.toWall()(size.at) } }
          : layer;
      state.bootTime = bootTime;
    }
    return state.shown;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (;;) {
      // Not in the scrape that asks, and not many mount tables at a time.
      await setImmediate(undefined, { ref: false });
      const state = this.#queue.shift();
      if (state === undefined) break;
      const layer = await this.#measure(state.container);
      state.isQueued = false;
      // Without an answer its process has ended, or is another one now: the next scrape asks again.
      if (layer === undefined) continue;
      state.layer = layer;
      state.shown = undefined;
      state.dueAt = performance.now() + this.#intervalMs;
    }
    // Megabytes with many containers, which nobody needs before the next interval.
    this.#table = undefined;
    this.#isWorking = false;
  }

  async #measure(container: Container): Promise<WritableLayer | undefined> {
    try {
      const place = this.#placeOf(container);
      if (place === undefined) return undefined;
      return typeof place === 'string' ? unknown(place) : await this.#count(container, place);
    } catch (error) {
      // A container can make its mount table longer than is read, which must not look like a failure of the exporter.
      return unknown('unreadable', isDenied(error) ? toError(error) : undefined);
    }
  }

  /** Where the layer is; `undefined` if the process is gone. */
  #placeOf({ init, cgroup }: Container): Place | 'no_layer' | 'unreachable' | 'remote' | undefined {
    const mountinfo = init?.files.mountinfo(LONGEST_MOUNTINFO);
    if (mountinfo === undefined) return undefined;
    const root = new MountTable(textOf(mountinfo)).at('/');
    const hostRoot = findHostRoot(this.#kernel, this.#hostNamespaces);
    // An engine mounts the overlay before it makes the cgroup.
    const host = this.#hostTable(cgroup.seenAt);
    if (host === undefined || hostRoot === undefined) return 'unreachable';
    const path = upperDirectory(root, host.all);
    if (path === undefined) return 'no_layer';
    const { table } = host;
    const mount = table.at(path);
    if (mount === undefined || mayWait(mount, (layer) => table.at(layer))) return 'remote';
    return { path: hostRoot + path, shownAs: path, device: mount.source };
  }

  /** The host's mounts after a time in ms of `performance.now()`; `undefined` if they cannot be read. */
  #hostTable(after: number): HostTable | undefined {
    const now = performance.now();
    const known = this.#table;
    if (known !== undefined && known.readAt > after && now - known.readAt <= TABLE_FOR_MS) return known;
    const text = unseenAsUndefined(() => this.#kernel.proc('1/mountinfo'));
    if (text === undefined) return undefined;
    const all = parseMountinfo(text);
    this.#table = { all, table: new HostMounts(all), readAt: now };
    return this.#table;
  }

  async #count({ cgroup }: Container, { path, shownAs, device }: Place): Promise<WritableLayer> {
    let fileSystem: WritableLayer['fileSystem'];
    for (let more = false; ; more = true) {
      const outcome = await this.#probes.ask(cgroup.path, { look: 'tree', path, more }, shownAs);
      if (outcome.kind === 'unanswered') return { ...unknown('unanswered'), fileSystem };
      if (outcome.kind === 'error') {
        // A container can close the directory itself, which is its root, but not those above.
        const above = await this.#probes.ask(cgroup.path, { look: 'owner', path }, shownAs);
        return unknown('unreadable', above.kind === 'error' ? deniedOf(above.code, shownAs) : undefined);
      }
      const { state, bytes } = outcome.value;
      fileSystem = { device, ...outcome.value.fileSystem };
      if (state === 'complete') return { size: { bytes, at: this.#clock.now() }, fileSystem, denied: undefined };
      if (state !== 'more') return { ...unknown(state), fileSystem };
      await sleep(PAUSE_MS, undefined, { ref: false });
    }
  }
}

function unknown(size: Exclude<WritableLayer['size'], object>, denied?: Error): WritableLayer {
  return { size, fileSystem: undefined, denied };
}

function deniedOf(code: string, shownAs: string): Error | undefined {
  if (!isDeniedCode(code)) return undefined;
  return Object.assign(new Error(`Cannot inspect ${JSON.stringify(shownAs)}: ${code}`), { code });
}

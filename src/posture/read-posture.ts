import type { InitProcess } from '../container.ts';
import type { CapabilitySet } from '../kernel/capabilities.ts';
import { textOf } from '../kernel/bytes.ts';
import { errnoOf, toError } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { isMember } from '../kernel/membership.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import { parseBoundingSet, parseProcStatus } from '../kernel/proc-status.ts';
import { readDevices } from './devices.ts';
import { type Host, hostFacts } from './host.ts';
import { LookUps } from '../probes/look-ups.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { LONGEST_MOUNTINFO, MountTable } from './mount-table.ts';
import { readMounts } from './mounts.ts';
import type { DevicePosture, Posture, ProcessPosture } from './posture.ts';
import type { LookedUp, PostureReading, Target } from './posture-reading.ts';
import { orUnknown } from './or-unknown.ts';
import { isAsRead, LabelReader, readProcess, readStatus, type Surroundings } from './process.ts';
import { isSameSummary, summaryOf } from './process-summary.ts';
import { raisedLimits } from './raised-limits.ts';
import { readSandbox, Witnesses } from './read-sandbox.ts';
import { isRuntimeAtWork } from '../kernel/runtime-at-work.ts';

/** The maximum number of processes of a container that are inspected. */
const MOST_PROCESSES = 256;

/** Longer mount tables, in bytes, are not compared in each scrape. A default container has 3 to 5 KB. */
const LONGEST_COMPARED = 64 * 1024;

/** Reads postures of containers on one host. */
export class PostureReader {
  readonly #kernel: KernelFiles;
  readonly #probes: PathProbes;
  readonly #host: () => Host;
  readonly #labels = new LabelReader();

  constructor(kernel: KernelFiles, namespaces: HostNamespaces, probes: PathProbes) {
    this.#kernel = kernel;
    this.#probes = probes;
    this.#host = hostFacts(kernel, namespaces);
  }

  /** Whether a container has a look-up that does not return, so that its result is unknown. */
  isStuck({ files }: Pick<Target, 'files'>): boolean {
    return this.#probes.isStuck(files.path);
  }

  /** Makes the look-ups. */
  get lookUpState(): Pick<PathProbes, 'started' | 'isBusy' | 'replies'> {
    return this.#probes;
  }

  /** Reads everything; `undefined` if the init has ended. */
  read(target: Target): PostureReading | undefined {
    const readAt = performance.now();
    const { init, files: cgroup } = target;
    let problem: Error | undefined;
    const note = (error: Error): void => {
      problem ??= error;
    };
    const host = this.#host();
    if (host.problem !== undefined) note(host.problem);
    const status = readStatus(init.files);
    if (status === undefined) return undefined;
    const { ppid } = status;
    const alone = {
      host: host.namespaces,
      init: init.namespaces,
      initPosture: undefined,
      labels: this.#labels,
      note,
    };
    if (init.namespacesError !== undefined) note(init.namespacesError);
    const own = readProcess(init.files, alone, { status, namespaces: init.namespaces });
    if (own === undefined) return undefined;
    const byPid = new Map<number, ProcessPosture | undefined>([[init.pid, own]]);
    const { pending, unseen } = this.#lookAt(target, ppid, byPid, { ...alone, initPosture: own });
    const mountinfo = readMountinfo(init.files, note);
    const table =
      mountinfo &&
      orUnknown(() => new MountTable(textOf(mountinfo), host.mounts && ((path) => host.mounts?.at(path))), note);
    const lookUps = new LookUps(this.#probes, cgroup.path);
    const witnesses = new Witnesses(this.#kernel);
    const lookUp = (): LookedUp => {
      const mounts =
        table && readMounts({ table, engine: target.engine, init: init.files, process: own, host, lookUps, note });
      const question = {
        host,
        engine: target.engine,
        init: init.files,
        hostNet: hostNet(init, host),
        byPid,
        sysbox: mounts?.sysbox ?? false,
        lookUps,
        witnesses,
        note,
      };
      const sandbox = orUnknown(() => readSandbox(question), note);
      const sources = { cgroup, init: init.files, table, lookUps, note };
      const devices = orUnknown(() => readDevices(sources), note) ?? UNKNOWN_DEVICES;
      return { readAt, sandbox, mounts, devices, problem };
    };
    let first: LookedUp;
    try {
      first = lookUp();
    } catch (error) {
      witnesses[Symbol.dispose]();
      throw error;
    }
    const lookedUp = lookUps.isPending
      ? repeat(lookUp, first, lookUps).finally(() => witnesses[Symbol.dispose]())
      : undefined;
    if (lookedUp === undefined) witnesses[Symbol.dispose]();
    const parent = ppid === 0 ? undefined : this.#kernel.process(ppid);
    try {
      const posture: Posture = {
        init: own,
        ...summaryOf(byPid, own, areAll(target) && !unseen),
        sandbox: first.sandbox,
        mounts: first.mounts,
        devices: first.devices,
        obtainable: orUnknown(() => boundingOf(parent), note),
        raisedUlimits: orUnknown(() => raisedLimits(init.files, parent, target.engine), note),
        oomScoreAdj: orUnknown(() => readNumber(init.files, 'oom_score_adj'), note),
        problem,
        ...(pending && { pending }),
      };
      return {
        posture,
        readAt: first.readAt,
        byPid,
        parent: ppid,
        pending,
        lookedUp,
        mountinfo: mountinfo && mountinfo.length <= LONGEST_COMPARED ? mountinfo : undefined,
      };
    } finally {
      parent?.close();
    }
  }

  /** Whether the processes still have the privileges that were read, and the init its mounts. `false` if one has ended. */
  isAsRead(reading: PostureReading, init: InitProcess): boolean {
    for (const [pid, process] of reading.byPid) {
      const status = orUnknown(
        () => {
          const text = pid === init.pid ? init.files.text('status') : this.#kernel.proc(`${pid}/status`);
          return text === undefined ? undefined : parseProcStatus(text);
        },
        // Reading everything again says what is wrong.
        () => {},
      );
      if (status === undefined || (process !== undefined && !isAsRead(status, process))) return false;
    }
    return !this.haveMountsChanged(reading, init);
  }

  /** Whether the init has other mounts than when its posture was read. `false` if that cannot be read any more. */
  haveMountsChanged({ mountinfo }: PostureReading, { files }: InitProcess): boolean {
    if (mountinfo === undefined) return false;
    try {
      const now = files.mountinfo(LONGEST_COMPARED);
      return now !== undefined && Buffer.compare(mountinfo, now) !== 0;
    } catch (error) {
      return errnoOf(error) === 'EFBIG';
    }
  }

  /** Inspects new processes. The posture stays the same object if nothing changes. */
  update(known: PostureReading, target: Target): PostureReading {
    const { posture, readAt, parent, lookedUp, mountinfo } = known;
    let { problem } = posture;
    const there = new Set([target.init.pid, ...target.pids]);
    const byPid = new Map([...known.byPid].filter(([pid]) => there.has(pid)));
    const { pending, unseen } = this.#lookAt(target, parent, byPid, {
      host: this.#host().namespaces,
      init: target.init.namespaces,
      initPosture: posture.init,
      labels: this.#labels,
      note: (error) => {
        problem ??= error;
      },
    });
    const summary = summaryOf(byPid, posture.init, areAll(target) && !unseen);
    const wasPending = posture.pending ?? false;
    const isSame = problem === posture.problem && pending === wasPending && isSameSummary(summary, posture);
    return {
      parent,
      readAt,
      byPid,
      pending,
      lookedUp,
      mountinfo,
      posture: isSame ? posture : { ...posture, ...summary, problem, pending },
    };
  }

  /**
   * Adds unknown processes.
   *
   * @returns whether one of them is still `pending`, about to become another program, and whether one was `unseen`: it lives, but
   *   could not be read.
   */
  #lookAt(
    { pids, files: cgroup, list = () => pids }: Target,
    parent: number,
    byPid: Map<number, ProcessPosture | undefined>,
    surroundings: Surroundings,
  ): { readonly pending: boolean; readonly unseen: boolean } {
    let [pending, unseen] = [false, false];
    const [init] = byPid.values();
    for (const pid of pids) {
      if (byPid.has(pid)) continue;
      if (byPid.size >= MOST_PROCESSES) break;
      const files = this.#kernel.process(pid);
      if (files === undefined) continue;
      try {
        const status = readStatus(files);
        const found = status && readProcess(files, surroundings, { status });
        if (found !== undefined && !isMember(this.#kernel, cgroup, files, list)) continue;
        if (pid === parent && found !== undefined && isOfEngine(found, init)) byPid.set(pid, undefined);
        else if (found !== undefined && isStronger(found, init) && isRuntimeAtWork(files, this.#kernel, cgroup.path)) {
          pending = true;
        } else byPid.set(pid, found);
      } catch (error) {
        unseen = true;
        surroundings.note(toError(error));
      } finally {
        files.close();
      }
    }
    return { pending, unseen };
  }
}

/** Whether all processes are inspected. */
function areAll({ pids, isIncomplete }: Target): boolean {
  return pids.length <= MOST_PROCESSES && isIncomplete !== true;
}

const UNKNOWN_DEVICES: DevicePosture = { allowed: undefined, blockDevices: undefined };

/** The longest chain of dependent look-ups: a program, and its path on the host. */
const MOST_ROUNDS = 4;

/** Repeats until all available facts are known. If the container ends meanwhile, the rest stays unknown. */
async function repeat(lookUp: () => LookedUp, first: LookedUp, lookUps: LookUps): Promise<LookedUp> {
  let latest = first;
  try {
    for (let round = 0; round < MOST_ROUNDS && lookUps.isPending; round += 1) {
      await lookUps.settled();
      latest = lookUp();
    }
  } catch {
    // The next full reading meets the same error and reports it.
  }
  return latest;
}

/** The mounts of a process; `undefined` if they cannot be read, or there are too many. */
function readMountinfo(files: ProcessFiles, note: (error: Error) => void): Buffer | undefined {
  try {
    const bytes = files.mountinfo(LONGEST_MOUNTINFO);
    // The next read uses the same memory.
    return bytes && Buffer.from(bytes);
  } catch (error) {
    if (errnoOf(error) !== 'EFBIG') note(toError(error));
    return undefined;
  }
}

/**
 * Whether the parent of the init existed before the container and belongs to the engine, such as nspawn, LXC and
 * conmon, which may be in its cgroup. Such a parent is in the host's pid namespace. If the init is in that namespace
 * too, this proves nothing. The parent must then also have the host's mounts, or belong to a rootless engine.
 */
function isOfEngine({ hostPid, hostMnt, users }: ProcessPosture, init: ProcessPosture | undefined): boolean {
  if (!hostPid) return false;
  return init?.hostPid === false || hostMnt !== false || users?.isHost === false;
}

/** Whether a process is so unusual that it matters whether it is only a runtime entering the container. */
function isStronger(process: ProcessPosture, init: ProcessPosture | undefined): boolean {
  return (
    process.escaped === true ||
    init === undefined ||
    (process.holdsRoot && !init.holdsRoot) ||
    (process.permitted & ~init.permitted) !== 0n ||
    (process.seccomp === 'disabled' && init.seccomp !== 'disabled')
  );
}

function hostNet({ namespaces }: InitProcess, host: Host): boolean | undefined {
  const [own, ofHost] = [namespaces.net, host.namespaces.get('net')?.inode];
  return own === undefined || ofHost === undefined ? undefined : own === ofHost;
}

/** The capabilities that a process can pass on to its children. */
function boundingOf(files: ProcessFiles | undefined): CapabilitySet | undefined {
  const text = files?.text('status');
  return text === undefined ? undefined : parseBoundingSet(text);
}

function readNumber(files: ProcessFiles, name: string): number | undefined {
  const text = files.text(name)?.trim();
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) throw new SyntaxError(`Cannot parse ${JSON.stringify(text)} as ${name}`);
  return Number(text);
}

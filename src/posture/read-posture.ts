import type { InitProcess } from '../container.ts';
import type { CapabilitySet } from '../kernel/capabilities.ts';
import { textOf } from '../kernel/bytes.ts';
import { errnoOf, toError } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import { parseBoundingSet, parseProcStatus } from '../kernel/proc-status.ts';
import { readDevices } from './devices.ts';
import { type Host, hostFacts } from './host.ts';
import { LookUps } from '../probes/look-ups.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { lookAtProcesses } from './look-at-processes.ts';
import { LONGEST_MOUNTINFO, MountTable } from './mount-table.ts';
import { isChrooted } from './chrooted.ts';
import { type Mounted, readMounts, withOthers } from './mounts.ts';
import { otherMounts } from './other-mounts.ts';
import type { DevicePosture, Posture } from './posture.ts';
import type { LookedUp, PostureReading, Target } from './posture-reading.ts';
import { orUnknown } from './or-unknown.ts';
import { isAsRead, LabelReader, readProcess, readStatus } from './process.ts';
import { isSameSummary, summaryOf } from './process-summary.ts';
import { raisedLimits } from './raised-limits.ts';
import { readSandbox, Witnesses } from './read-sandbox.ts';

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

  /**
   * Reads everything; `undefined` if the init has ended.
   *
   * @param before the last reading of the same init. If there are too many processes to inspect all of them at once, some stay as they
   *   were in it.
   */
  read(target: Target, before?: PostureReading): PostureReading | undefined {
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
    const { byPid, pending, unfinished, all } = lookAtProcesses(
      this.#kernel,
      target,
      ppid,
      { init: own, byPid: before?.byPid ?? new Map(), again: true },
      { ...alone, initPosture: own },
    );
    const mountinfo = readMountinfo(init.files, note);
    const table =
      mountinfo &&
      orUnknown(
        () =>
          new MountTable(textOf(mountinfo), host.mounts && ((path) => host.mounts?.at(path)), isChrooted(init.files)),
        note,
      );
    const lookUps = new LookUps(this.#probes, cgroup.path);
    const witnesses = new Witnesses(this.#kernel);
    const others = table && otherMounts(table, own, byPid, (pid) => witnesses.filesOf(pid));
    const lookUp = (): LookedUp => {
      const mounted: Mounted | undefined = table && {
        table,
        engine: target.engine,
        init: init.files,
        process: own,
        host,
        lookUps,
        note,
      };
      const mounts = mounted && readMounts(mounted);
      const question = {
        host,
        engine: target.engine,
        init: init.files,
        hostNet: hostNet(init, host),
        byPid,
        all,
        sysbox: mounts?.sysbox ?? false,
        lookUps,
        witnesses,
        note,
      };
      const sandbox = orUnknown(() => readSandbox(question), note);
      const sources = { cgroup, init: init.files, table, lookUps, note };
      const devices = orUnknown(() => readDevices(sources), note) ?? UNKNOWN_DEVICES;
      // The processes of a sandbox have mounts that its workload does not see.
      const isShared = sandbox === undefined || sandbox.kernel === 'shared';
      const shown = isShared && mounts && mounted && others ? withOthers(mounts, others, mounted) : mounts;
      return { readAt, sandbox, mounts: shown, devices, problem };
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
        ...summaryOf(byPid, own, all),
        sandbox: first.sandbox,
        mounts: first.mounts,
        devices: first.devices,
        obtainable: orUnknown(() => boundingOf(parent), note),
        raisedUlimits: orUnknown(() => raisedLimits(init.files, parent, target.engine), note),
        oomScoreAdj: orUnknown(() => readNumber(init.files, 'oom_score_adj'), note),
        problem,
        ...((pending || unfinished) && { pending: true }),
      };
      return {
        posture,
        readAt: first.readAt,
        byPid,
        parent: ppid,
        pending,
        unfinished,
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
      if (status === undefined) return false;
      // One that does not count is the engine's own, or can count no more. Another process may have its pid.
      const { zombie, kernelThread } = status;
      const isSame =
        process === undefined ? pid === reading.parent || zombie || kernelThread : isAsRead(status, process);
      if (!isSame) return false;
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
    const { byPid, pending, unfinished, all } = lookAtProcesses(
      this.#kernel,
      target,
      parent,
      { init: posture.init, byPid: known.byPid, again: false },
      {
        host: this.#host().namespaces,
        init: target.init.namespaces,
        initPosture: posture.init,
        labels: this.#labels,
        note: (error) => {
          problem ??= error;
        },
      },
    );
    const summary = summaryOf(byPid, posture.init, all);
    const isPending = pending || unfinished;
    const wasPending = posture.pending ?? false;
    const isSame = problem === posture.problem && isPending === wasPending && isSameSummary(summary, posture);
    return {
      parent,
      readAt,
      byPid,
      pending,
      unfinished,
      lookedUp,
      mountinfo,
      posture: isSame ? posture : { ...posture, ...summary, problem, pending: isPending },
    };
  }
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

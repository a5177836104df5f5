import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fetchForky } from './guest-forky.ts';
import { buildImage, type GuestImage } from './guest-image.ts';
import { GuestJobs } from './guest-jobs.ts';
import { fetchKernel } from './guest-kernel.ts';
import { eventually, Hopeless, quote } from './machine.ts';
import type { Background, Machine, Outcome } from './machine.ts';

/** The differences between guests. */
interface Flavour {
  /** The script in `guest/` that becomes PID 1. */
  readonly init: 'plain' | 'systemd';
  /** Fetches its kernel, and the disk if it has one of its own; returns their directory. */
  readonly fetch: () => Promise<string>;
  /** Words of the kernel's command line. */
  readonly boot?: string;
  /** Its only processor takes 1 ns for each instruction, however long the emulation takes: CPU times are counts of instructions. */
  readonly countsInstructions?: true;
}

const FLAVOURS = {
  /** A guest without a service manager. */
  plain: { init: 'plain', fetch: () => fetchKernel('own') },
  /** The same on Linux 6.12. */
  newer: { init: 'plain', fetch: () => fetchKernel('newer') },
  /** The plain guest without the memory controller. */
  'no-memory': { init: 'plain', fetch: () => fetchKernel('own'), boot: 'cgroup_disable=memory' },
  /** The plain guest for measurements: emulation makes some instructions much slower than others. */
  counting: { init: 'plain', fetch: () => fetchKernel('own'), countsInstructions: true },
  /** systemd is PID 1, and Docker can use its cgroup driver. */
  systemd: { init: 'systemd', fetch: () => fetchKernel('own') },
  /** Debian forky, which shares no program with the host, with its own kernel, engines and Node. systemd is PID 1. */
  forky: { init: 'systemd', fetch: fetchForky },
  /** The one with systemd on Linux 6.12. */
  'systemd-newer': { init: 'systemd', fetch: () => fetchKernel('newer') },
} as const satisfies Readonly<Record<string, Flavour>>;

export type GuestFlavour = keyof typeof FLAVOURS;

/** All kinds of guest. */
export const GUEST_FLAVOURS = Object.keys(FLAVOURS) as GuestFlavour[];

/** systemd 262 does so if one of its first forks takes too long, as on a host with too much other work. */
const FROZEN = 'Freezing execution';

/** How often a guest is booted before its freezing is an error. */
const BOOTS = 3;

/** The path in the guest of the directory that it shares with the host. */
export const SHARE_IN_GUEST = '/lab';

/**
 * A virtual machine with a pure cgroup v2 kernel and this host's root directory: it sees all of the host's files, but
 * only its writes below `/lab` reach the host. `/tmp`, `/run` and `/dev` start empty. The guest of forky has a root
 * directory of its own, and sees only this repository.
 */
export class Guest implements Machine, AsyncDisposable {
  readonly name: string;
  /** The guest is emulated: ten to twenty times slower than the host. */
  readonly slowness = 20;
  /** The directory of this guest's files. Its path is short, because it contains sockets. */
  readonly directory: string;
  readonly #jobs: GuestJobs;

  /** Uses a guest that was booted in `directory`, possibly by another process. */
  constructor(directory: string, flavour: GuestFlavour) {
    this.name = `the ${flavour} guest`;
    this.directory = directory;
    this.#jobs = new GuestJobs(this.share, this.slowness, () => this.#state());
  }

  /** The directory on the host that is `/lab` in the guest. Suites exchange files in `files/` there. */
  get share(): string {
    return join(this.directory, 'share');
  }

  run(script: string, options: { readonly timeoutMs?: number } = {}): Promise<Outcome> {
    return this.#jobs.run(script, options);
  }

  start(script: string): Promise<Background> {
    return this.#jobs.start(script);
  }

  /** The console output of kernel and init. */
  console(): string {
    const log = join(this.directory, 'console.log');
    return existsSync(log) ? readFileSync(log, 'utf8') : '';
  }

  /** Whether systemd has given up. */
  isFrozen(): boolean {
    return this.console().includes(FROZEN);
  }

  /** Waits until the guest runs jobs. */
  async ready(timeoutMs: number): Promise<void> {
    const isReady = () => {
      if (this.#state() === 'ended') throw new Hopeless(`QEMU has ended: ${this.#qemuLog()}`);
      if (this.isFrozen()) throw new Hopeless('systemd has given up');
      return existsSync(join(this.share, 'ready')) || undefined;
    };
    try {
      await eventually(`${this.name} boots`, isReady, { timeoutMs, everyMs: 50 });
    } catch (error) {
      throw new Error(`${this.name} did not boot. ${this.#qemuLog()}\nConsole:\n${this.console()}`, { cause: error });
    }
  }

  /** Switches the guest off without a shutdown, and removes its directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.#pid();
    if (pid !== undefined) {
      process.kill(pid, 'SIGKILL');
      // The shell that started QEMU writes `ended` into the directory after its end.
      const isOver = (): true | undefined => (this.#pid() === undefined && this.#state() === 'ended') || undefined;
      await eventually('QEMU ends', isOver, { timeoutMs: 10_000 });
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  #state(): 'runs' | 'ended' {
    return existsSync(join(this.directory, 'ended')) ? 'ended' : 'runs';
  }

  /** QEMU's pid, as long as that process is QEMU. */
  #pid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.directory, 'qemu.pid'), 'utf8'));
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.directory) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  #qemuLog(): string {
    const log = join(this.directory, 'qemu.log');
    return existsSync(log) ? readFileSync(log, 'utf8') : '';
  }
}

/** How a guest is booted. */
export interface BootOptions {
  readonly flavour: GuestFlavour;
  /** The directory to create. It contains sockets, so its path should be short. */
  readonly directory: string;
  /** The guest is switched off when this process has ended, however it ends. */
  readonly owner: number;
}

/** Boots a guest and returns it when it runs jobs. One that freezes is booted again. */
export async function bootGuest(options: BootOptions): Promise<Guest> {
  for (let boots = 1; ; boots += 1) {
    const guest = await startGuest(options);
    try {
      await guest.ready(600_000);
      return guest;
    } catch (error) {
      const isLast = !guest.isFrozen() || boots === BOOTS;
      await guest[Symbol.asyncDispose]();
      if (isLast) throw error;
      // The shell beside QEMU looks once a second, and must not note in the next guest's directory that this one has ended.
      await sleep(2_000);
    }
  }
}

async function startGuest(options: BootOptions): Promise<Guest> {
  const { directory, flavour } = options;
  mkdirSync(join(directory, 'share', 'jobs'), { recursive: true });
  mkdirSync(join(directory, 'share', 'files'));
  fillShare(join(directory, 'share'), flavour);
  const image = await buildImage(await FLAVOURS[flavour].fetch(), directory);
  startQemu(options, image);
  return new Guest(directory, flavour);
}

function fillShare(share: string, flavour: GuestFlavour): void {
  const files = new URL('./guest/', import.meta.url);
  copyFileSync(new URL(`${FLAVOURS[flavour].init}-init.sh`, files), join(share, 'init.sh'));
  copyFileSync(new URL('agent.sh', files), join(share, 'agent.sh'));
  writeFileSync(join(share, 'repository'), fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));
  // Puts the same Node as here first, so that `node` in a suite has the version that runs the suite.
  const path = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  writeFileSync(join(share, 'node'), process.execPath);
  writeFileSync(join(share, 'environment'), `export HOME=/root LANG=C.UTF-8 PATH=${quote(path)}\n`);
}

function startQemu(options: BootOptions, image: GuestImage): void {
  const { directory, owner, flavour } = options;
  const { boot = '', countsInstructions }: Flavour = FLAVOURS[flavour];
  // More than one processor does not boot with such a clock.
  const processors = countsInstructions
    ? { accel: 'tcg', smp: '1', icount: 'shift=0,sleep=off' }
    : { accel: accelerator(), smp: '2' };
  const share = (tag: string, path: string) =>
    `local,mount_tag=${tag},path=${path},security_model=none,multidevs=remap`;
  const flags = {
    M: 'q35',
    ...processors,
    cpu: 'max',
    m: '4G',
    display: 'none',
    serial: `file:${directory}/console.log`,
    pidfile: `${directory}/qemu.pid`,
    kernel: image.kernel,
    initrd: image.initramfs,
    append: `console=ttyS0 quiet panic=-1 ${boot}`.trim(),
  };
  const qemu = [
    ...'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot'.split(' '),
    ...Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, value]),
    '-virtfs',
    `${share('host', '/')},readonly=on`,
    '-virtfs',
    share('lab', `${directory}/share`),
    // What the guest writes there is gone with it.
    ...(image.disk === undefined ? [] : ['-drive', `file=${image.disk},format=raw,if=virtio,snapshot=on,cache=unsafe`]),
  ];
  const log = openSync(join(directory, 'qemu.log'), 'a');
  // A shell runs beside QEMU. It ends QEMU after its owner, and notes the end of QEMU.
  const script = `${quote(...qemu)} & qemu=$!
    while kill -0 $qemu 2>/dev/null && kill -0 ${owner} 2>/dev/null; do sleep 1; done
    kill -KILL $qemu 2>/dev/null
    test -d ${directory} && echo > ${directory}/ended`;
  spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', log, log] }).unref();
}

/** Whether KVM works. Its device may exist and open, but create machines that never run, so this also checks the processor. */
function accelerator(): 'kvm' | 'tcg' {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  return /^flags\s*:.* (vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')) ? 'kvm' : 'tcg';
}

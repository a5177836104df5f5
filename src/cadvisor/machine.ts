import { readVersion } from '../version.ts';
import { defineHostView } from './view.ts';

/** The machine. */
export const machine = defineHostView({
  name: 'host',
  read({ kernel }) {
    const meminfo = kernel.proc('meminfo') ?? '';
    return {
      bootId: kernel.proc('sys/kernel/random/boot_id')?.trim() ?? '',
      release: kernel.proc('sys/kernel/osrelease')?.trim() ?? '',
      memory: bytesOf(meminfo, 'MemTotal'),
      swap: bytesOf(meminfo, 'SwapTotal'),
      cores: kernel.proc('stat')?.match(/^cpu\d+ /gm)?.length,
    };
  },
  families: [
    gauge(
      'machine_memory_bytes',
      'Memory of the machine, in bytes: MemTotal of /proc/meminfo.',
      ({ memory }) => memory,
    ),
    gauge('machine_swap_bytes', 'Swap of the machine, in bytes: SwapTotal of /proc/meminfo.', ({ swap }) => swap),
    gauge('machine_cpu_cores', 'CPUs that are online: /proc/stat.', ({ cores }) => cores),
    {
      name: 'cadvisor_version_info',
      type: 'info',
      help: 'Which program this is, and the release of the kernel.',
      labels: ['kernelVersion', 'cadvisorVersion'],
      samples: ({ release }, emit) => emit(1, release, NAME),
      ours: ['isolation_exporter_build_info', 'isolation_host_info'],
      differs:
        '`cadvisorVersion` says `isolation-exporter/…`. No version of the distribution, of Docker, and no revision.',
    },
  ],
});

const { name, version } = readVersion();
const NAME = `${name}/${version}`;

interface Machine {
  readonly bootId: string;
  readonly memory: number | undefined;
  readonly swap: number | undefined;
  readonly cores: number | undefined;
}

function gauge(family: string, help: string, value: (machine: Machine) => number | undefined) {
  return {
    name: family,
    type: 'gauge' as const,
    help,
    labels: ['boot_id'],
    samples(found: Machine, emit: (sample: number, ...labels: string[]) => void) {
      const sample = value(found);
      if (sample !== undefined) emit(sample, found.bootId);
    },
    ours: [],
    differs: 'With `boot_id`, without `machine_id` and `system_uuid`.',
  };
}

/** A line of `/proc/meminfo` such as `MemTotal:        8129492 kB`, in bytes. */
function bytesOf(meminfo: string, key: string): number | undefined {
  const kilobytes = new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

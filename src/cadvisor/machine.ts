import { countOnlineCpus, parseMeminfo } from '../kernel/machine.ts';
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
      memory: parseMeminfo(meminfo, 'MemTotal'),
      swap: parseMeminfo(meminfo, 'SwapTotal'),
      cores: countOnlineCpus(kernel.proc('stat') ?? ''),
    };
  },
  families: [
    gauge(
      'machine_memory_bytes',
      'Memory of the machine, in bytes: MemTotal of /proc/meminfo.',
      ['isolation_host_memory_bytes'],
      ({ memory }) => memory,
    ),
    gauge('machine_swap_bytes', 'Swap of the machine, in bytes: SwapTotal of /proc/meminfo.', [], ({ swap }) => swap),
    gauge('machine_cpu_cores', 'CPUs that are online: /proc/stat.', ['isolation_host_cpu_cores'], ({ cores }) => cores),
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

function gauge(family: string, help: string, ours: readonly string[], value: (machine: Machine) => number | undefined) {
  return {
    name: family,
    type: 'gauge' as const,
    help,
    labels: ['boot_id'],
    samples(found: Machine, emit: (sample: number, ...labels: string[]) => void) {
      const sample = value(found);
      if (sample !== undefined) emit(sample, found.bootId);
    },
    ours,
    differs: 'With `boot_id`, without `machine_id` and `system_uuid`.',
  };
}

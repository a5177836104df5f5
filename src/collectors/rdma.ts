import { parseRdma, type RdmaValue } from '../kernel/resource-values.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family } from './collector.ts';

interface RdmaReading {
  readonly current: readonly RdmaValue[];
  readonly limits: readonly RdmaValue[];
}

const ABSENT = 'Absent without RDMA devices and without the rdma controller.';

/** Resources of RDMA devices. */
export const rdma: Collector = defineContainerCollector({
  name: 'rdma',
  help: 'Resources of RDMA devices, and their limits.',
  offByDefault: true,
  read: ({ files }): RdmaReading => ({
    current: parsedFile(files, 'rdma', 'rdma.current', parseRdma) ?? [],
    limits: parsedFile(files, 'rdma', 'rdma.max', parseRdma) ?? [],
  }),
  families: [
    byDevice(
      'isolation_container_rdma_usage',
      `In use, by device and resource (hca_handle, hca_object): rdma.current. ${ABSENT}`,
      ({ current }) => current,
    ),
    byDevice(
      'isolation_container_rdma_limit',
      `Limit of the container's own cgroup, by device and resource: rdma.max. Absent if unlimited. ${ABSENT}`,
      ({ limits }) => limits,
    ),
  ],
});

function byDevice(
  name: string,
  help: string,
  valuesOf: (reading: RdmaReading) => readonly RdmaValue[],
): Family<RdmaReading> {
  return {
    name,
    type: 'gauge',
    help,
    labels: ['device', 'resource'],
    samples(reading, emit) {
      for (const { device, resource, value } of valuesOf(reading)) if (value < Infinity) emit(value, device, resource);
    },
  };
}

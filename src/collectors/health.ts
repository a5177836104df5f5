import { type Collector, defineContainerCollector } from './collector.ts';

/** What the health check of each container found. */
export const health: Collector = defineContainerCollector({
  name: 'health',
  help: 'Results of health checks, as engines know them.',
  read: ({ life }) => life?.health,
  families: [
    {
      name: 'isolation_container_health_status',
      type: 'gauge',
      help:
        'Always 1, with the result of the health check: starting, healthy or unhealthy, as Docker or Podman says. Absent for a ' +
        'container without a health check, and while its engine does not answer, because the engine makes the checks.',
      labels: ['status'],
      samples: (status, emit) => emit(1, status),
    },
  ],
});

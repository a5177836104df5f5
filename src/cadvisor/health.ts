import { defineContainerView, ours } from './view.ts';

/** The results of health checks. */
export const health = defineContainerView({
  name: 'health',
  read: ({ life }) => life?.health,
  families: [
    {
      name: 'container_health_state',
      type: 'gauge',
      help: 'The result of the health check: 1 healthy, 0 unhealthy. Absent without a health check and while it has no result.',
      ours: ours('health_status'),
      value: (status) => (status === 'starting' ? undefined : Number(status === 'healthy')),
      differs:
        'Absent without a health check, where cAdvisor has -1, or 0 before 0.60.5. Absent while it is starting, where cAdvisor has 0. Also of Podman.',
    },
  ],
});

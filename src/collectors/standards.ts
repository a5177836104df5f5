import { controlsByFinding, POD_SECURITY_PROFILES } from '../findings/pod-security-profiles.ts';
import { type Collector, defineHostCollector } from './collector.ts';

/** The same for all containers and all hosts, for queries that join it with findings. */
export const standards: Collector = defineHostCollector({
  name: 'standards',
  help: 'Which findings keep a container from passing the Pod Security Standards. A series for each such finding.',
  read: controlsByFinding,
  families: [
    {
      name: 'isolation_finding_pod_security_info',
      type: 'info',
      help:
        'What of the Pod Security Standards a container with the finding violates: the controls, and the most lenient profile ' +
        `that has them (${POD_SECURITY_PROFILES.join(', ')}). What violates baseline violates restricted, too. Absent for a ` +
        'finding that violates neither. See docs/standards.md.',
      labels: ['finding', 'profile', 'control'],
      samples(violations, emit) {
        for (const { finding, profile, controls } of violations) emit(1, finding, profile, controls.join(', '));
      },
    },
  ],
});

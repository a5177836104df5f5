import { CONTAINER_COLUMNS } from './columns.ts';
import { values } from './colours.ts';
import { FINDING, LOOKED_AT } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { coloured } from './overrides.ts';
import { IDENTITY, onHosts } from './queries.ts';
import { last, rows } from './query.ts';
import { bargauge } from './single-values.ts';
import { table } from './table.ts';

const FROM =
  'isolation_container_finding and isolation_finding_pod_security_info, from namespaces, capabilities, seccomp, LSM, mounts and devices. docs/standards.md says what is checked.';

type Profiles = 'baseline' | 'any';

/** Findings that violate the baseline profile, or any: what is baseline is restricted too. */
function relevant(findings: string, profiles: Profiles): string {
  const matchers = profiles === 'any' ? [] : ['profile="baseline"'];
  return `(${findings} and on (job, instance, finding) ${onHosts('isolation_finding_pod_security_info', ...matchers)})`;
}

/** The containers that violate a profile, and those of which that is unknown. */
const violate = (profiles: Profiles) => `count by (${IDENTITY}) ${relevant(`${onHosts(FINDING)} == 1`, profiles)}`;
const unknown = (profiles: Profiles) => `count by (${IDENTITY}) ${relevant(onHosts(`${FINDING}_unknown`), profiles)}`;
const PRIVILEGED = violate('baseline');
const BASELINE = `${violate('any')} unless ${PRIVILEGED} unless ${unknown('baseline')}`;
const LEVELS = `count by (${IDENTITY}) (${onHosts(LOOKED_AT)})`;
const RESTRICTED = `${LEVELS} unless ${violate('any')} unless ${unknown('any')}`;
const UNKNOWN = `${LEVELS} unless ${PRIVILEGED} unless (${BASELINE}) unless (${RESTRICTED})`;

/** How many, also 0 while there are containers. */
const countOf = (containers: string) => `count(${containers}) or count(${LEVELS}) * 0`;

/** Which containers pass the Pod Security Standards, and what keeps the others from it. */
export const POD_SECURITY: Row = {
  title: 'Pod Security Standards',
  panels: [
    sized(
      8,
      8,
      bargauge({
        title: 'Containers by profile',
        what: 'The strictest profile of the Pod Security Standards that containers pass, in Kubernetes or not. Accepted findings count: they are deviations all the same. Unknown: not all that decides could be read.',
        from: FROM,
        red: 'privileged: they violate the baseline. The table beside says by what.',
        queries: [
          last(countOf(RESTRICTED), 'restricted'),
          last(countOf(BASELINE), 'baseline'),
          last(countOf(PRIVILEGED), 'privileged'),
          last(countOf(UNKNOWN), 'unknown'),
        ],
        unit: 'short',
        min: 0,
        noValue: 'No containers',
        overrides: [
          coloured('restricted', 'green'),
          coloured('baseline', 'blue'),
          coloured('privileged', 'orange'),
          coloured('unknown', 'text'),
        ],
      }),
    ),
    sized(
      16,
      8,
      table({
        title: 'What keeps containers from passing',
        what: 'Findings that violate a control of the Pod Security Standards, with the most lenient profile that has it. What violates baseline violates restricted, too.',
        from: FROM,
        red: 'baseline: such a container should not run beside others. docs/findings.md says how to fix each finding.',
        queries: [
          rows(
            `(${onHosts(FINDING)} == 1) * on (job, instance, finding) group_left (profile, control) ${onHosts('isolation_finding_pod_security_info')}`,
          ),
        ],
        columns: [
          {
            field: 'profile',
            header: 'Profile',
            width: 90,
            mappings: values({ baseline: ['baseline', 'orange'], restricted: ['restricted', 'text'] }),
          },
          { field: 'control', header: 'Control' },
          { field: 'finding', header: 'Finding' },
          ...CONTAINER_COLUMNS,
        ],
        sortBy: [{ header: 'Profile', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
  ],
};

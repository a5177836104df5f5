import { capabilityFindings } from './capabilities.ts';
import { confinementFindings } from './confinement.ts';
import type { Finding } from './finding.ts';
import { mountFindings } from './mounts.ts';
import { namespaceFindings } from './namespaces.ts';
import { processFindings } from './processes.ts';
import { resourceFindings } from './resources.ts';
import { sandboxFindings } from './sandboxes.ts';

/** All findings, in display order. */
export const findings: readonly Finding[] = [
  ...capabilityFindings,
  ...namespaceFindings,
  ...mountFindings,
  ...confinementFindings,
  ...processFindings,
  ...resourceFindings,
  ...sandboxFindings,
];

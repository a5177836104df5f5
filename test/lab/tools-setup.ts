import type { TestProject } from 'vitest/node';
import type {} from './global-setup.ts';
import { prepareTools } from './prepare.ts';

/** Prepares the tools of Prometheus and Alertmanager for the suites that need nothing else. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('missing', await prepareTools(['prometheus', 'newer-debian', 'alertmanager']));
}

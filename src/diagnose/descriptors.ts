import { readFileSync } from 'node:fs';
import { descriptorBudget } from '../kernel/descriptor-limit.ts';
import { defineCheck, type Remedies } from './check.ts';

/** Descriptors per container over all collectors: 25 observed, plus a reserve. */
const FOR_EACH = 30;

/** How many files the exporter may keep open. It opens any further files again in each scrape. */
export const descriptors = defineCheck({
  name: 'open files',
  read: ({ containers }) => ({
    budget: descriptorBudget(readFileSync('/proc/self/limits', 'utf8')),
    containers: containers?.count ?? 0,
  }),
  judge({ budget, containers }) {
    const enoughFor = Math.floor(budget / FOR_EACH);
    const message = `${budget} can stay open, enough for ${enoughFor} containers`;
    if (containers <= enoughFor) return { status: 'ok', message };
    return { status: 'note', message: `${message} of ${containers}; the rest cost more CPU`, remedies: FOR_MORE };
  },
});

const FOR_MORE: Remedies = {
  shell: 'ulimit -Hn 65536 before starting it',
  systemd: 'LimitNOFILE=65536',
  docker: '--ulimit nofile=65536:65536',
  kubernetes: 'on the node: LimitNOFILE=65536 for the container runtime',
};

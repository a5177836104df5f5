import { readFileSync } from 'node:fs';
import { descriptorBudget } from '../kernel/descriptor-limit.ts';
import { defineCheck, type Remedies } from './check.ts';

/** Kept open for each container by all collectors together: 25 were seen, and some to spare. */
const FOR_EACH = 30;

/** How many files the exporter may keep open: with too few it opens them anew for each scrape. */
export const descriptors = defineCheck({
  name: 'open files',
  read: ({ containers }) => ({
    budget: descriptorBudget(readFileSync('/proc/self/limits', 'utf8')),
    containers: containers?.count ?? 0,
  }),
  judge({ budget, containers }) {
    const enoughFor = Math.floor(budget / FOR_EACH);
    const says = `${budget} may be kept open, enough for ${enoughFor} containers`;
    if (containers <= enoughFor) return { status: 'ok', says };
    return { status: 'note', says: `${says} of ${containers}; the others cost more CPU`, remedies: FOR_MORE };
  },
});

const FOR_MORE: Remedies = {
  shell: 'ulimit -Hn 65536, before it is run',
  systemd: 'LimitNOFILE=65536',
  docker: '--ulimit nofile=65536:65536',
  kubernetes: 'on the node: LimitNOFILE=65536 for the container runtime',
};

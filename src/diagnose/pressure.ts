import { readFileSync } from 'node:fs';
import { absentAsUndefined } from '../kernel/errno.ts';
import { defineCheck, onTheHost } from './check.ts';

/** Whether the kernel measures pressure (PSI), and does so for cgroups. */
export const pressure = defineCheck({
  name: 'pressure (PSI)',
  read: ({ procfs, layout }) => ({
    host: absentAsUndefined(() => readFileSync(`${procfs}/pressure/cpu`, 'utf8')) !== undefined,
    version: layout?.version,
  }),
  judge({ host, version }) {
    if (!host) {
      return {
        status: 'lost',
        says: 'not measured: there is no /proc/pressure',
        loses: 'the time that containers lose for want of CPU, memory and I/O',
        remedies: onTheHost('psi=1 on the command line of the kernel, which needs CONFIG_PSI'),
      };
    }
    if (version === 'v2') return { status: 'ok', says: 'measured for each cgroup' };
    return { status: 'note', says: 'measured for the host; for containers it takes cgroup v2' };
  },
});

import { readFileSync } from 'node:fs';
import { absentAsUndefined } from '../kernel/errno.ts';
import { defineCheck, onTheHost } from './check.ts';

/** Whether the kernel measures pressure (PSI), and whether it does so for each cgroup. */
export const pressure = defineCheck({
  name: 'pressure (PSI)',
  read: ({ procfs, layout }) => ({
    host: absentAsUndefined(() => readFileSync(`${procfs}/pressure/cpu`, 'utf8')) !== undefined,
    version: layout?.version,
  }),
  judge({ host, version }) {
    if (!host) {
      return {
        status: 'failed',
        message: 'not measured: there is no /proc/pressure',
        missing: 'the time that containers wait for CPU, memory and I/O',
        remedies: onTheHost('psi=1 on the kernel command line; needs CONFIG_PSI'),
      };
    }
    if (version === 'v2') return { status: 'ok', message: 'measured for each cgroup' };
    return { status: 'note', message: 'measured for the host; containers need cgroup v2' };
  },
});

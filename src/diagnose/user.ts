import { readFileSync } from 'node:fs';
import { defineCheck } from './check.ts';

/** The line of a user namespace that is the host's: every id is itself. */
const WHOLE_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** Who the exporter is, and whether that means something outside of its user namespace. */
export const user = defineCheck({
  name: 'user',
  read: ({ own }) => ({ uid: own.uid, uidMap: readFileSync('/proc/self/uid_map', 'utf8') }),
  judge({ uid, uidMap }) {
    const name = uid === 0 ? 'root' : `uid ${uid}`;
    if (WHOLE_MAP.test(uidMap)) return { status: 'ok', says: name };
    return {
      status: 'lost',
      says: `${name}, in a user namespace of its own: its capabilities end there`,
      loses: 'the namespaces and the network traffic of containers outside of it',
      remedies: {
        shell: 'run it outside of the user namespace (of unshare, or of a rootless engine)',
        systemd: 'PrivateUsers=no',
        docker: '--userns host',
        kubernetes: 'hostUsers: true',
      },
    };
  },
});

import { readFileSync } from 'node:fs';
import { defineCheck } from './check.ts';

/** The uid map of the initial user namespace: every id maps to itself. */
const WHOLE_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** The exporter's user, and whether it is in the host's user namespace. */
export const user = defineCheck({
  name: 'user',
  read: ({ own }) => ({ uid: own.uid, uidMap: readFileSync('/proc/self/uid_map', 'utf8') }),
  judge({ uid, uidMap }) {
    const name = uid === 0 ? 'root' : `uid ${uid}`;
    if (WHOLE_MAP.test(uidMap)) return { status: 'ok', message: name };
    return {
      status: 'failed',
      message: `${name}, in its own user namespace: its capabilities have no effect outside`,
      missing: 'namespaces and network traffic of containers outside this user namespace',
      remedies: {
        shell: 'run it outside the user namespace (of unshare or a rootless engine)',
        systemd: 'PrivateUsers=no',
        docker: '--userns host',
        kubernetes: 'hostUsers: true',
      },
    };
  },
});

import { defineCheck, type CheckResult } from './check.ts';
import type { Looked, Others } from './visible-processes.ts';

const NAMES: Readonly<Record<keyof Others, string>> = {
  pid1: 'PID 1',
  kernelThreads: 'kernel threads',
  ownUser: 'its own user',
  otherUsers: 'other users',
};

/**
 * How many processes cannot be inspected. PID 1 does not count: some sandboxes shield it from everyone, which costs the
 * exporter nothing.
 */
export function deniedIn({ kernelThreads, ownUser, otherUsers }: Others): number {
  return kernelThreads.denied + ownUser.denied + otherUsers.denied;
}

/** Whether `/proc/<pid>/ns` of other processes can be read: PID 1, kernel threads, its own user and other users. */
export const otherProcesses = defineCheck({
  name: '/proc/<pid>/ns',
  read: ({ others }) => others,
  judge(others): CheckResult {
    const total = Object.values(others).reduce((sum, { readable, denied }) => sum + readable + denied, 0);
    const denied = deniedIn(others);
    if (total === 0) return { status: 'note', message: 'no other process is visible' };
    if (denied > 0) {
      const of = total === 1 ? 'the only other process' : `${denied + others.pid1.denied} of ${total} processes`;
      return {
        status: 'failed',
        message: `unreadable for ${of}: ${kindsOf(others)}`,
        missing: 'namespaces and network traffic of containers among them, or of the same users',
      };
    }
    if (others.pid1.denied > 0) {
      return {
        status: 'ok',
        message: `readable for all ${total} processes except PID 1, which is shielded here; nothing is lost`,
      };
    }
    return {
      status: 'ok',
      message: total === 1 ? 'readable for the only other process' : `readable for all ${total} processes`,
    };
  },
});

function kindsOf(others: Others): string {
  const kinds = Object.keys(NAMES).filter(isKind);
  return kinds
    .filter((kind) => others[kind].denied > 0)
    .map((kind) => (kind === 'pid1' ? NAMES.pid1 : `${share(others[kind])} of ${NAMES[kind]}`))
    .join(', ');
}

function isKind(name: string): name is keyof Others {
  return name in NAMES;
}

function share({ readable, denied }: Looked): string {
  return readable === 0 ? `all ${denied}` : `${denied} of ${denied + readable}`;
}

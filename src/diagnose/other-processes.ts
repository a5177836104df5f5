import { defineCheck, type Verdict } from './check.ts';
import type { Looked, Others } from './others.ts';

const NAMES: Readonly<Record<keyof Others, string>> = {
  pid1: 'PID 1',
  kernelThreads: 'kernel threads',
  ownUser: 'its own user',
  otherUsers: 'other users',
};

/** How many processes but PID 1 cannot be looked at. That one may be shielded from everybody, and nothing is lost by it. */
export function deniedIn({ kernelThreads, ownUser, otherUsers }: Others): number {
  return kernelThreads.denied + ownUser.denied + otherUsers.denied;
}

/** Whether `/proc/<pid>/ns` of others can be read: of PID 1, of kernel threads, of its own user and of others. */
export const otherProcesses = defineCheck({
  name: '/proc/<pid>/ns',
  read: ({ others }) => others,
  judge(others): Verdict {
    const total = Object.values(others).reduce((sum, { readable, denied }) => sum + readable + denied, 0);
    const denied = deniedIn(others);
    if (total === 0) return { status: 'note', says: 'there is no other process to be seen' };
    if (denied > 0) {
      const of = total === 1 ? 'the only other process' : `${denied + others.pid1.denied} of ${total} processes`;
      return {
        status: 'lost',
        says: `of ${of} it cannot be read: ${kindsOf(others)}`,
        loses: 'the namespaces and the network traffic of containers among them, or run by the same users',
      };
    }
    if (others.pid1.denied > 0) {
      return {
        status: 'ok',
        says: `of all ${total} processes but PID 1, which is shielded here; nothing is lost by it`,
      };
    }
    return { status: 'ok', says: total === 1 ? 'of the only other process' : `of all ${total} processes` };
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

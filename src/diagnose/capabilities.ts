import { defineCheck, toHaveCapability } from './check.ts';

/** Those that the exporter makes use of are named first. */
const USED = ['SYS_PTRACE', 'SYSLOG'];

/** With more than these it is told how many more. */
const MOST_NAMED = 6;

/** All that there are on the oldest kernel in use; a newer one has more. */
const ALL_FROM = 38;

/** Which capabilities the exporter has: `CAP_SYS_PTRACE` is the one that it needs. */
export const capabilities = defineCheck({
  name: 'capabilities',
  read: ({ own }) => ({ uid: own.uid, effective: own.effective, bounding: own.bounding }),
  judge({ uid, effective, bounding }) {
    const has = describe(effective);
    if (effective.includes('SYS_PTRACE')) return { status: 'ok', says: has };
    const ruledOut = uid === 0 && !bounding.includes('SYS_PTRACE') ? ' (the bounding set lacks it)' : '';
    return {
      status: 'lost',
      says: `no CAP_SYS_PTRACE${ruledOut}; ${has}`,
      loses: 'the namespaces and the network traffic of all containers that the kernel does not let it look at',
      remedies: toHaveCapability('SYS_PTRACE', { uid }),
    };
  },
});

function describe(effective: readonly string[]): string {
  if (effective.length === 0) return 'it has none';
  if (effective.length >= ALL_FROM) return `it has ${effective.length}`;
  const first = USED.filter((name) => effective.includes(name));
  const names = [...first, ...effective.filter((name) => !first.includes(name))];
  const more = names.length - MOST_NAMED;
  const named = names.slice(0, more > 1 ? MOST_NAMED : undefined).map((name) => `CAP_${name}`);
  return `it has ${named.join(', ')}${more > 1 ? ` and ${more} more` : ''}`;
}

import { defineCheck, toHaveCapability } from './check.ts';

/** The capabilities that the exporter uses come first. */
const USED = ['SYS_PTRACE', 'SYSLOG'];

/** Beyond this number the rest are only counted. */
const MOST_NAMED = 6;

/** The number of capabilities on the oldest supported kernel; newer kernels have more. */
const ALL_FROM = 38;

/** Whether the exporter has `CAP_SYS_PTRACE`, and which other capabilities it has. */
export const capabilities = defineCheck({
  name: 'capabilities',
  read: ({ own }) => ({ uid: own.uid, effective: own.effective, bounding: own.bounding }),
  judge({ uid, effective, bounding }) {
    const has = describe(effective);
    if (effective.includes('SYS_PTRACE')) return { status: 'ok', message: has };
    const ruledOut = uid === 0 && !bounding.includes('SYS_PTRACE') ? ' (the bounding set lacks it)' : '';
    return {
      status: 'failed',
      message: `no CAP_SYS_PTRACE${ruledOut}; ${has}`,
      missing: 'namespaces and network traffic of containers that the kernel will not let it inspect',
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

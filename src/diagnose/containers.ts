import { defineCheck, type Verdict } from './check.ts';

/** Which containers are found, and of how many the processes can be looked at. */
export const containers = defineCheck({
  name: 'containers',
  read: ({ containers }) => containers,
  judge(found): Verdict {
    if (found === undefined) return { status: 'unknown', says: 'there is no cgroup tree to look for them in' };
    const { count, denied, empty, engines, example } = found;
    if (count === 0) return { status: 'ok', says: 'none to be seen now' };
    const by = Object.entries(engines).map(([engine, of]) => `${of} ${engine}`);
    const says = `${count} found: ${by.join(', ')}`;
    if (denied > 0) {
      return {
        status: 'lost',
        says: `${says}; ${share(denied, count)} cannot be looked at (${example})`,
        loses: 'the namespaces and the network traffic of these',
      };
    }
    if (empty === count) {
      return {
        status: 'lost',
        says: `${says}; no process of theirs can be seen`,
        loses: 'all that is to be learnt of processes',
      };
    }
    return { status: 'ok', says: `${says}${empty > 0 ? `; ${empty} of them without a process` : ''}` };
  },
});

function share(part: number, count: number): string {
  return part === count ? 'all of them' : `${part} of them`;
}

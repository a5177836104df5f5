import { defineCheck, type CheckResult } from './check.ts';

/** Which containers exist, and whether their processes can be inspected. */
export const containers = defineCheck({
  name: 'containers',
  read({ containers }) {
    if (containers === undefined) return undefined;
    // Their ids are no facts of this check.
    const { ids: _, podContainers: __, podmanContainers: ___, ...found } = containers;
    return found;
  },
  judge(found): CheckResult {
    if (found === undefined) return { status: 'unknown', message: 'no cgroup tree to search' };
    const { count, denied, empty, engines, example, unseen } = found;
    const by = Object.entries(engines).map(([engine, of]) => `${of} ${engine}`);
    const message = count === 0 ? 'none found' : `${count} found: ${by.join(', ')}`;
    if (unseen > 0) {
      return {
        status: 'failed',
        message: `${message}; ${unseen} cgroup${unseen === 1 ? '' : 's'} cannot be looked at`,
        missing: 'containers in these cgroups',
      };
    }
    if (count === 0) return { status: 'ok', message };
    if (denied > 0) {
      return {
        status: 'failed',
        message: `${message}; ${share(denied, count)} cannot be inspected (${example})`,
        missing: 'namespaces and network traffic of these containers',
      };
    }
    if (empty === count) {
      return {
        status: 'failed',
        message: `${message}; none of their processes is visible`,
        missing: 'everything about processes',
      };
    }
    return { status: 'ok', message: `${message}${empty > 0 ? `; ${empty} of them without a process` : ''}` };
  },
});

function share(part: number, count: number): string {
  return part === count ? 'all of them' : `${part} of them`;
}

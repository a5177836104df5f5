import { describe, expect, it } from 'vitest';
import { parseUnifiedOptions } from './unified-options.ts';

describe('parseUnifiedOptions()', () => {
  it('finds the options in the line of cgroup2, whichever it is', () => {
    const mountinfo = [
      '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
      '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,pids_localevents',
      '60 52 254:0 / /data ro,relatime master:1 - ext4 /dev/vda rw',
    ].join('\n');
    expect(parseUnifiedOptions(mountinfo)).toEqual(new Set(['rw', 'nsdelegate', 'pids_localevents']));
  });

  it('finds none where cgroup2 is not mounted', () =>
    expect(parseUnifiedOptions('35 31 0:32 / /a\\040-\\040cgroup2 rw - cgroup cgroup rw,memory\n')).toBeUndefined());
});

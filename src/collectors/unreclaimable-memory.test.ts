import { describe, expect, it } from 'vitest';
import { unreclaimableOfV1, unreclaimableOfV2 } from './unreclaimable-memory.ts';

const V2 = { anon: 1000, file: 500, shmem: 0, active_file: 200, inactive_file: 300, kernel: 50, slab_reclaimable: 20 };

describe('memory that cannot be reclaimed, on cgroup v2', () => {
  it('has no page cache in it, however much of it is active', () => {
    expect(unreclaimableOfV2(V2)).toBe(1030);
    expect(unreclaimableOfV2({ ...V2, file: 50_500, active_file: 50_200 })).toBe(1030);
  });

  it('has tmpfs, locked pages, sockets and the caches of the kernel that it cannot shrink', () => {
    expect(unreclaimableOfV2({ ...V2, file: 600, shmem: 100 })).toBe(1130);
    expect(unreclaimableOfV2({ ...V2, file: 540 })).toBe(1070);
    expect(unreclaimableOfV2({ ...V2, sock: 7 })).toBe(1037);
    expect(unreclaimableOfV2({ ...V2, kernel: 90, slab_reclaimable: 60 })).toBe(1030);
  });

  it('is put together from the parts of kernel memory before Linux 5.18', () => {
    const { kernel: _, ...old } = V2;
    const parts = { slab_unreclaimable: 11, kernel_stack: 5, pagetables: 3, percpu: 2 };
    expect(unreclaimableOfV2({ ...old, ...parts })).toBe(1021);
  });

  it('does not go below what counters that change meanwhile allow', () => {
    expect(unreclaimableOfV2({ ...V2, file: 400, slab_reclaimable: 60 })).toBe(1000);
  });

  it.each(['anon', 'file', 'shmem', 'active_file', 'inactive_file'])('is unknown without %s', (field) => {
    expect(unreclaimableOfV2({ ...V2, [field]: undefined })).toBeUndefined();
  });
});

describe('memory that cannot be reclaimed, on cgroup v1', () => {
  const V1 = { total_rss: 1000, total_cache: 600, total_shmem: 100, total_active_file: 200, total_inactive_file: 290 };

  it('has all memory of the kernel in it', () => {
    expect(unreclaimableOfV1(V1, 50)).toBe(1160);
  });

  it('is unknown without one of its parts', () => {
    expect(unreclaimableOfV1(V1, undefined)).toBeUndefined();
    expect(unreclaimableOfV1({ ...V1, total_shmem: undefined }, 50)).toBeUndefined();
    expect(unreclaimableOfV1(undefined, 50)).toBeUndefined();
    expect(unreclaimableOfV2(undefined)).toBeUndefined();
  });
});

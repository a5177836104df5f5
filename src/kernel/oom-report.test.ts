import { describe, expect, it } from 'vitest';
import { parseKmsgRecord } from './kmsg-record.ts';
import { createOomReader, type OomVictim } from './oom-report.ts';

const ID = 'fa1ae45002513c9278c101c2c2e4555b59b1d4f249219af626affc06941eae5c';

/** What the reader finds in records that come a millisecond apart, all by the kernel unless a prefix says else. */
function victimsIn(...texts: string[]): OomVictim[] {
  const read = createOomReader();
  return texts.flatMap((text, index) => {
    const record = /^\d+,/.test(text) ? text : `6,${index},${index * 1000},-;${text}`;
    return read(parseKmsgRecord(`${record}\n`)) ?? [];
  });
}

const report = (places: string, task: string, pid: number): string =>
  `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=${ID},mems_allowed=0,${places},task=${task},pid=${pid},uid=0`;
const killed = (task: string, pid: number): string =>
  `Memory cgroup out of memory: Killed process ${pid} (${task}) total-vm:18048kB, anon-rss:15872kB, file-rss:1296kB, shmem-rss:0kB, UID:65534 pgtables:72kB oom_score_adj:0`;

describe('createOomReader', () => {
  it('tells all of a kill by the limit of a cgroup', () => {
    const victims = victimsIn(
      'tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
      'memory: usage 16384kB, limit 16384kB, failcnt 0',
      'swap: usage 0kB, limit 9007199254740988kB, failcnt 0',
      report(`oom_memcg=/docker/${ID},task_memcg=/docker/${ID}`, 'tail', 9716),
      killed('tail', 9716),
    );
    expect(victims).toEqual([
      {
        time: 4000,
        pid: 9716,
        command: 'tail',
        uid: 65534,
        cgroup: `/docker/${ID}`,
        limitedBy: `/docker/${ID}`,
        limit: 16 * 2 ** 20,
        constraint: 'CONSTRAINT_MEMCG',
      },
    ]);
  });

  it('tells of a kill for want of memory on the host', () => {
    const [victim] = victimsIn(
      'memory: usage 16384kB, limit 16384kB, failcnt 0',
      'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/a.service,task=mysqld,pid=7,uid=0',
      'Out of memory: Killed process 7 (mysqld) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:7kB oom_score_adj:0',
    );
    expect(victim).toMatchObject({ cgroup: '/system.slice/a.service', constraint: 'CONSTRAINT_NONE' });
    expect([victim?.limitedBy, victim?.limit]).toEqual([undefined, undefined]);
  });

  it('counts a kill of which the kernel says no more than that', () => {
    const victims = victimsIn(report('oom_memcg=/a,task_memcg=/a', 'x', 1), killed('x', 1), killed('y', 2));
    expect(victims.map(({ cgroup }) => cgroup)).toEqual(['/a', undefined]);
  });

  it('gives the victims of a group their cgroup, and nobody who comes later', () => {
    const victims = victimsIn(
      report('oom_memcg=/a,task_memcg=/a/b', 'x', 1),
      killed('x', 1),
      'Tasks in /a are going to be killed due to memory.oom.group set',
      killed('y', 2),
      killed('z', 3),
      `3,9,900000,-;${killed('other', 4)}`,
    );
    expect(victims.map(({ cgroup, limitedBy }) => [cgroup, limitedBy])).toEqual([
      ['/a/b', '/a'],
      ['/a', '/a'],
      ['/a', '/a'],
      [undefined, undefined],
    ]);
  });

  it('is not misled by what processes and cgroups are called', () => {
    const places = (text: string, task = 'x') => victimsIn(report(text, task, 1), killed(task, 1))[0]?.cgroup;
    expect(places('oom_memcg=/docker/a,task_memcg=/docker/a', 'a,task=b')).toBe('/docker/a');
    expect(places('oom_memcg=/docker/a,task_memcg=/docker/a', ') total-vm:1kB')).toBe('/docker/a');
    expect(places('oom_memcg=/docker/a,task_memcg=/docker/a/,global_oom,task_memcg=/docker/b')).toBe(
      '/docker/a/,global_oom,task_memcg=/docker/b',
    );
    expect(places('oom_memcg=/docker/a,task_memcg=/docker/a/,task_memcg=/docker/b')).toBe(
      '/docker/a/,task_memcg=/docker/b',
    );
    expect(places('oom_memcg=/,task_memcg=/a')).toBe('/a');
  });

  it('undoes the escapes of the log', () => {
    const [victim] = victimsIn(
      report('oom_memcg=/machine.slice,task_memcg=/machine.slice/my\\x5cx2dbox.scope', 'caf\\xc3\\xa9', 1),
      killed('caf\\xc3\\xa9', 1),
    );
    expect(victim).toMatchObject({ command: 'café', cgroup: '/machine.slice/my\\x2dbox.scope' });
  });

  it('believes only the kernel', () => {
    expect(victimsIn(`12,1,1,-;${report('oom_memcg=/a,task_memcg=/a', 'x', 1)}`, `12,2,2,-;${killed('x', 1)}`)).toEqual(
      [],
    );
  });
});

describe('parseKmsgRecord', () => {
  it('takes the record and leaves what is said of a device', () => {
    expect(parseKmsgRecord('6,458,348413378,-,caller=T1;text; more\n SUBSYSTEM=pci\n DEVICE=+pci:0000\n')).toEqual({
      sequence: 458,
      time: 348_413_378,
      fromKernel: true,
      text: 'text; more',
    });
  });

  it('throws for what is none', () => {
    expect(() => parseKmsgRecord('6,x,1,-;text')).toThrow(SyntaxError);
    expect(() => parseKmsgRecord('')).toThrow(SyntaxError);
  });
});

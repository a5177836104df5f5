import { describe, expect, it } from 'vitest';
import { parseKmsgRecord } from './kmsg-record.ts';
import { createOomReader, type OomVictim } from './oom-report.ts';

const ID = 'fa1ae45002513c9278c101c2c2e4555b59b1d4f249219af626affc06941eae5c';

/**
 * The victims in records that are a millisecond apart. A text without a prefix becomes a record of the kernel. Only the
 * flags and the facility of a prefix count.
 */
function victimsIn(...texts: string[]): OomVictim[] {
  const read = createOomReader();
  return texts.flatMap((text, index) => {
    const record = /^\d+,/.test(text)
      ? text.replace(/^(\d+),\d+,/, `$1,${index},`)
      : `6,${index},${index * 1000},-;${text}`;
    return read(parseKmsgRecord(`${record}\n`)) ?? [];
  });
}

/** Numbers the events that killed the victims, starting at 1. */
function eventsOf(victims: readonly OomVictim[]): number[] {
  const events = [...new Set(victims.map(({ event }) => event))];
  return victims.map(({ event }) => events.indexOf(event) + 1);
}

const report = (places: string, task: string, pid: number): string =>
  `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=${ID},mems_allowed=0,${places},task=${task},pid=${pid},uid=0`;
const killed = (task: string, pid: number): string =>
  `Memory cgroup out of memory: Killed process ${pid} (${task}) total-vm:18048kB, anon-rss:15872kB, file-rss:1296kB, shmem-rss:0kB, UID:65534 pgtables:72kB oom_score_adj:0`;

describe('createOomReader', () => {
  it('reads a kill by the limit of a cgroup', () => {
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
        event: { group: undefined, isOver: false },
        listed: [],
      },
    ]);
  });

  it('reads which processes the limited cgroup has', () => {
    const list = [
      'Tasks state (memory values in pages):',
      '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
      '[  17366]     0 17366     1090      781       64      717         0    53248        0             0 bash',
      '[1234567]  1000 1234567     2472     2244     1920      324         0    57344        0         -1000 [1] 2 3 4',
    ];
    const [first, second] = victimsIn(
      ...list,
      report('oom_memcg=/docker/a,task_memcg=/docker/a', 'bash', 17_366),
      killed('bash', 17_366),
      ...list.slice(0, 3),
      report('oom_memcg=/docker/b,task_memcg=/docker/b', 'bash', 17_366),
      killed('bash', 17_366),
    );
    expect([first?.listed, second?.listed]).toEqual([[17_366, 1_234_567], [17_366]]);
  });

  it('reads a kill in a user namespace with high ids, which the kernel writes as negative uids', () => {
    const [victim] = victimsIn(
      'memory: usage 16384kB, limit 16384kB, failcnt 16',
      '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
      '[    928] -2147483648   928     8253     6702     5784      918         0   106496        0             0 python3',
      'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=python3,pid=928,uid=-2147483648',
      'Memory cgroup out of memory: Killed process 928 (python3) total-vm:33012kB, anon-rss:23136kB, file-rss:3672kB, shmem-rss:0kB, UID:2147483648 pgtables:104kB oom_score_adj:0',
    );
    expect(victim).toMatchObject({ pid: 928, uid: 2 ** 31, cgroup: '/a/b', limitedBy: '/a', listed: [928] });
  });

  it('reads a kill because the host ran out of memory', () => {
    const [victim] = victimsIn(
      'memory: usage 16384kB, limit 16384kB, failcnt 0',
      'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/a.service,task=mysqld,pid=7,uid=0',
      'Out of memory: Killed process 7 (mysqld) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:7kB oom_score_adj:0',
    );
    expect(victim).toMatchObject({ cgroup: '/system.slice/a.service', constraint: 'CONSTRAINT_NONE' });
    expect([victim?.limitedBy, victim?.limit]).toEqual([undefined, undefined]);
  });

  it('reads a report of a kernel without cpusets, and one about the nodes of a cpuset', () => {
    const victims = victimsIn(
      'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/a,task=firewalld,pid=737,uid=0',
      'Out of memory: Killed process 737 (firewalld) total-vm:358672kB, anon-rss:22640kB, file-rss:12328kB, shmem-rss:0kB, UID:0 pgtables:421888kB oom_score_adj:0',
      'oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=0,2-3,cpuset=b.scope,mems_allowed=0,2-3,global_oom,task_memcg=/b,task=a b,pid=8,uid=0',
      'Out of memory: Killed process 8 (a b) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0',
    );
    expect(victims.map(({ cgroup, constraint, limitedBy }) => [cgroup, constraint, limitedBy])).toEqual([
      ['/a', 'CONSTRAINT_NONE', undefined],
      ['/b', 'CONSTRAINT_CPUSET', undefined],
    ]);
  });

  it('reads a kill without a report', () => {
    const victims = victimsIn(report('oom_memcg=/a,task_memcg=/a', 'x', 1), killed('x', 1), killed('y', 2));
    expect(victims.map(({ cgroup }) => cgroup)).toEqual(['/a', undefined]);
  });

  it('gives the cgroup of a group to its victims, and to no later one', () => {
    const lines = [
      report('oom_memcg=/a,task_memcg=/a/b', 'x', 1),
      killed('x', 1),
      'Tasks in /a are going to be killed due to memory.oom.group set',
      killed('y', 2),
      killed('z', 3),
      report('oom_memcg=/c,task_memcg=/c', 'other', 4),
      killed('other', 4),
    ];
    // The kernel has left out no report in the five seconds before.
    const victims = victimsIn('systemd[1]: Started something.', ...lines.map((text) => `3,0,9000000,-;${text}`));
    expect(victims.map(({ cgroup, limitedBy }) => [cgroup, limitedBy])).toEqual([
      ['/a/b', '/a'],
      ['/a', '/a'],
      ['/a', '/a'],
      ['/c', '/c'],
    ]);
    expect(eventsOf(victims)).toEqual([1, 1, 1, 2]);
  });

  it('reads a group as one event, the chosen victim twice and the lines slowly', () => {
    const seconds = (text: string, time: number): string => `3,0,${time * 1e6},-;${text}`;
    const victims = victimsIn(
      // The first report here might be the tenth: the kernel may have written others before these records.
      seconds('systemd[1]: Started something.', 0),
      seconds(report('oom_memcg=/a,task_memcg=/a', 'x', 1), 10),
      seconds(killed('x', 1), 10),
      seconds('Tasks in /a are going to be killed due to memory.oom.group set', 11),
      seconds(killed('w', 2), 12.5),
      seconds(killed('x', 1), 14),
      seconds('eth0: link up', 15),
      seconds(killed('y', 3), 30),
    );
    expect(victims.map(({ pid, cgroup }) => [pid, cgroup])).toEqual([
      [1, '/a'],
      [2, '/a'],
      [1, '/a'],
      [3, '/a'],
    ]);
    expect(eventsOf(victims)).toEqual([1, 1, 1, 1]);
  });

  it('tells a group from the next kill in a burst, in which reports are left out', () => {
    const ms = (text: string, time: number): string => `3,0,${time * 1000},-;${text}`;
    const reports = Array.from({ length: 10 }, (_, nth) => [
      ms(report(`oom_memcg=/p${nth},task_memcg=/p${nth}`, 'p', nth + 100), nth),
      ms(killed('p', nth + 100), nth),
    ]).flat();
    const group = 'Tasks in /a are going to be killed due to memory.oom.group set';
    const membersIn = (...lines: readonly string[]): unknown[] => {
      const victims = victimsIn(...reports, ...lines).slice(10);
      const [first] = victims;
      return victims.map(({ pid, event }) => [
        pid,
        event === first?.event ? 'certain' : event.perhapsPartOf === first?.event ? 'perhaps' : 'no',
      ]);
    };
    const began = [ms(killed('x', 1), 20), ms(group, 20), ms(killed('y', 2), 21)];
    const after = [ms(killed('z', 3), 61_000), ms(killed('z', 4), 61_001)];
    expect(membersIn(...began, ...after).map(String)).toEqual(['1,certain', '2,perhaps', '3,no', '4,no']);
    // The kernel names the chosen process again.
    expect(membersIn(...began, ms(killed('x', 1), 22), ms(killed('z', 3), 23))).toEqual([
      [1, 'certain'],
      [2, 'perhaps'],
      [1, 'certain'],
      [3, 'perhaps'],
    ]);
    // The kernel decided to leave out the report while it did so, but wrote the line later.
    const late = [ms(killed('x', 1), 5_500), ms(group, 5_500), ms(killed('x', 1), 5_500), ms(killed('z', 3), 5_900)];
    expect(membersIn(...late).map(String)).toEqual(['1,certain', '1,certain', '3,perhaps']);
    // A slow console delays lines.
    const slow = [ms(killed('x', 1), 20), ms(group, 20), ms(killed('y', 2), 770), ms(killed('x', 1), 900)];
    expect(membersIn(...slow).map(String)).toEqual(['1,certain', '2,perhaps', '1,certain']);
    // The group includes the victim that the kernel chose without a report.
    expect(victimsIn(...reports, ...slow)[10]).toMatchObject({ pid: 1, cgroup: undefined, event: { group: '/a' } });
    // Two groups, one right after the other: the first victim of the second one belongs to that.
    const next = 'Tasks in /b are going to be killed due to memory.oom.group set';
    const two = victimsIn(...reports, ...began, ms(killed('z', 3), 23), ms(next, 23), ms(killed('w', 4), 24)).slice(10);
    expect(two.map(({ event }) => event.group)).toEqual(['/a', undefined, '/b', undefined]);
    expect(two.map(({ event }) => event.perhapsPartOf?.group)).toEqual([undefined, '/a', undefined, '/b']);
  });

  it('reads on if a process of a group exits by itself', () => {
    const victims = victimsIn(
      'systemd[1]: Started something.',
      ...[
        report('oom_memcg=/a,task_memcg=/a', 'x', 1),
        killed('x', 1),
        'Tasks in /a are going to be killed due to memory.oom.group set',
        killed('y', 2),
        'Memory cgroup out of memory: OOM victim 1 (x) is already exiting. Skip killing the task',
        killed('z', 3),
        'Memory cgroup out of memory: OOM victim 4 (o) is already exiting. Skip killing the task',
        'Tasks in /b are going to be killed due to memory.oom.group set',
        killed('p', 5),
      ].map((text) => `3,0,9000000,-;${text}`),
    );
    expect(victims.map(({ pid, cgroup }) => [pid, cgroup])).toEqual([
      [1, '/a'],
      [2, '/a'],
      [3, '/a'],
      [5, '/b'],
    ]);
    expect(eventsOf(victims)).toEqual([1, 1, 1, 2]);
  });

  it('reads a group whose chosen process exits by itself', () => {
    const victims = victimsIn(
      'systemd[1]: Started something.',
      ...[
        report('oom_memcg=/o,task_memcg=/o', 'o', 9),
        killed('o', 9),
        report('oom_memcg=/a,task_memcg=/a', 'x', 1),
        'Memory cgroup out of memory: OOM victim 1 (x) is already exiting. Skip killing the task',
        'Tasks in /a are going to be killed due to memory.oom.group set',
        killed('y', 2),
      ].map((text) => `3,0,9000000,-;${text}`),
    );
    expect(victims.map(({ pid, cgroup, limitedBy }) => [pid, cgroup, limitedBy])).toEqual([
      [9, '/o', '/o'],
      [2, '/a', '/a'],
    ]);
    expect(eventsOf(victims)).toEqual([1, 2]);
  });

  it('does not connect records across a gap', () => {
    const read = createOomReader();
    const victims = [
      `6,1,1,-;${report('oom_memcg=/a,task_memcg=/a', 'x', 1)}`,
      `3,2,2,-;${killed('x', 1)}`,
      '6,3,3,-;Tasks in /a are going to be killed due to memory.oom.group set',
      `3,9,9,-;${killed('y', 2)}`,
    ].flatMap((text) => read(parseKmsgRecord(`${text}\n`)) ?? []);
    expect(victims.map(({ cgroup }) => cgroup)).toEqual(['/a', undefined]);
    expect(eventsOf(victims)).toEqual([1, 2]);
  });

  it('is not misled by the names of processes and cgroups', () => {
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

  it('unescapes names', () => {
    const [victim] = victimsIn(
      report('oom_memcg=/machine.slice,task_memcg=/machine.slice/my\\x5cx2dbox.scope', 'caf\\xc3\\xa9', 1),
      killed('caf\\xc3\\xa9', 1),
    );
    expect(victim).toMatchObject({ command: 'café', cgroup: '/machine.slice/my\\x2dbox.scope' });
  });

  it('ignores records that user space wrote', () => {
    expect(victimsIn(`12,1,1,-;${report('oom_memcg=/a,task_memcg=/a', 'x', 1)}`, `12,2,2,-;${killed('x', 1)}`)).toEqual(
      [],
    );
  });
});

/** Reports of kernels before 5.2, from public bug reports; ids are shortened and process lists left out. */
describe('createOomReader, with the log of an older kernel', () => {
  it('reads 3.10 (RHEL 7.2)', () => {
    const pod = '/kubepods/pod95387fa4-da9c-11e7-9d36-5254b24cbf5e/e84ed2eecf15';
    const victims = victimsIn(
      'java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=-998',
      `Task in ${pod} killed as a result of limit of ${pod}`,
      'memory: usage 524092kB, limit 524288kB, failcnt 164324',
      'memory+swap: usage 1048576kB, limit 1048576kB, failcnt 17',
      `Memory cgroup stats for ${pod}: cache:32KB rss:524060KB rss_huge:307200KB mapped_file:12KB swap:524484KB`,
      '[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name',
      '[14970]     0 14970  5090123   117579    1714   135473          -998 java',
      // The kernel chose a thread of the process that it then killed.
      'Memory cgroup out of memory: Kill process 24572 (java) score 0 or sacrifice child',
      'Killed process 28438 (java) total-vm:20255636kB, anon-rss:466160kB, file-rss:13684kB',
    );
    expect(victims).toEqual([
      {
        time: 8000,
        pid: 28_438,
        command: 'java',
        uid: undefined,
        cgroup: pod,
        limitedBy: pod,
        limit: 512 * 2 ** 20,
        constraint: undefined,
        event: { group: undefined, isOver: false },
        listed: [14_970],
      },
    ]);
  });

  it('reads 3.10 with the user (RHEL 7.6 and newer)', () => {
    const [victim] = victimsIn(
      'Task in /docker/7489263afb02 killed as a result of limit of /docker/7489263afb02',
      'memory: usage 4kB, limit 4kB, failcnt 8',
      'Memory cgroup out of memory: Kill process 42453 (memcg_test_1) score 0 or sacrifice child',
      'Killed process 42453 (memcg_test_1), UID 1000, total-vm:7296kB, anon-rss:96kB, file-rss:164kB, shmem-rss:0kB',
    );
    expect(victim).toMatchObject({ pid: 42_453, command: 'memcg_test_1', uid: 1000, cgroup: '/docker/7489263afb02' });
    const [high] = victimsIn('Killed process 1 (x), UID -2, total-vm:7296kB, anon-rss:96kB, file-rss:164kB');
    expect(high?.uid).toBe(2 ** 32 - 2);
  });

  it('reads 4.4 and 4.9', () => {
    const [victim] = victimsIn(
      'Task in /docker/34186d9bd077 killed as a result of limit of /docker/34186d9bd077',
      'memory: usage 204800kB, limit 204800kB, failcnt 4563',
      'Memory cgroup out of memory: Kill process 13119 (java) score 986 or sacrifice child',
      'Killed process 13119 (java) total-vm:3725396kB, anon-rss:201312kB, file-rss:0kB, shmem-rss:0kB',
    );
    expect(victim).toMatchObject({ pid: 13_119, cgroup: '/docker/34186d9bd077', limit: 200 * 2 ** 20 });
  });

  it('reads 4.14 with a limit of the pod, and a child that was sacrificed', () => {
    const pod = '/kubepods.slice/kubepods-podbee65b57_7e71_11e8_9ced_d24398b14524.slice';
    const [victim] = victimsIn(
      `Task in ${pod}/docker-5d3a4c6e7510.scope killed as a result of limit of ${pod}`,
      'memory: usage 245760kB, limit 245760kB, failcnt 12',
      'Memory cgroup out of memory: Kill process 26074 (monocular) score 54 or sacrifice child',
      'Killed process 24518 (monocular) total-vm:267220kB, anon-rss:232620kB, file-rss:11064kB, shmem-rss:0kB',
    );
    expect(victim).toMatchObject({ pid: 24_518, cgroup: `${pod}/docker-5d3a4c6e7510.scope`, limitedBy: pod });
  });

  it('reads 4.19, where a group is killed', () => {
    const victims = victimsIn(
      'Task in /a/b killed as a result of limit of /a',
      'memory: usage 16384kB, limit 16384kB, failcnt 5',
      'Memory cgroup out of memory: Kill process 1 (x) score 987 or sacrifice child',
      'Killed process 1 (x) total-vm:73532kB, anon-rss:32008kB, file-rss:212kB, shmem-rss:0kB',
      'Tasks in /a are going to be killed due to memory.oom.group set',
      'Killed process 2 (y) total-vm:73532kB, anon-rss:32008kB, file-rss:212kB, shmem-rss:0kB',
      // The next kill comes too soon for a report.
      'Memory cgroup out of memory: Kill process 3 (z) score 987 or sacrifice child',
      'Killed process 3 (z) total-vm:73532kB, anon-rss:32008kB, file-rss:212kB, shmem-rss:0kB',
    );
    expect(victims.map(({ pid, cgroup, limitedBy }) => [pid, cgroup, limitedBy])).toEqual([
      [1, '/a/b', '/a'],
      [2, '/a', '/a'],
      [3, undefined, undefined],
    ]);
  });

  it('reads 5.0, which has both forms', () => {
    const pod = '/kubepods/burstable/podfbdfe8e3-1c87-4ff2-907c-b2ec8e25d012';
    const [victim] = victimsIn(
      report(`oom_memcg=${pod},task_memcg=${pod}/ef807430361e`, 'manager', 966),
      'Memory cgroup out of memory: Kill process 966 (manager) score 1971 or sacrifice child',
      'Killed process 970 (worker) total-vm:73532kB, anon-rss:32008kB, file-rss:212kB, shmem-rss:0kB',
    );
    expect(victim).toMatchObject({
      pid: 970,
      cgroup: `${pod}/ef807430361e`,
      limitedBy: pod,
      constraint: 'CONSTRAINT_MEMCG',
    });
  });

  it('reads a kill because the host ran out of memory, whose cgroup is not reported', () => {
    const victims = victimsIn(
      'Task in /a killed as a result of limit of /a',
      'Memory cgroup out of memory: Kill process 1 (x) score 54 or sacrifice child',
      'Killed process 1 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB',
      'Out of memory: Kill process 45465 (tail) score 902 or sacrifice child',
      'Killed process 45465 (tail), UID 0, total-vm:7582132kB, anon-rss:7420324kB, file-rss:0kB, shmem-rss:0kB',
    );
    expect(victims.map(({ pid, cgroup }) => [pid, cgroup])).toEqual([
      [1, '/a'],
      [45_465, undefined],
    ]);
  });

  it('is not misled by the names of cgroups', () => {
    const cgroupIn = (places: string): string | undefined =>
      victimsIn(
        `Task in ${places}`,
        'Memory cgroup out of memory: Kill process 1 (x) score 54 or sacrifice child',
        'Killed process 1 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB',
      )[0]?.cgroup;
    const forged = '/docker/a/e killed as a result of limit of /docker/b';
    expect(cgroupIn(`${forged} killed as a result of limit of /docker/a`)).toBe(forged);
    expect(cgroupIn(`${forged} killed as a result of limit of ${forged}`)).toBe(forged);
    expect(cgroupIn('/docker/a killed as a result of limit of /')).toBe('/docker/a');
  });
});

describe('createOomReader, with a line in several records', () => {
  const last = ',task=tail,pid=12766,uid=0';

  it('joins the pieces of a line that is too long for one record', () => {
    // This is how Linux 6.18 writes long paths.
    const outer = `/outer-${'x'.repeat(120)}`;
    const inner = `${outer}/${'y'.repeat(800)}`;
    const [victim] = victimsIn(
      `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${outer},task_memcg=`,
      `4,1,1,c;${inner}`,
      `4,2,2,c;${last}`,
      killed('tail', 12_766),
    );
    expect(victim).toMatchObject({ cgroup: inner, limitedBy: outer });
  });

  it('joins the pieces of a line that another CPU has interrupted', () => {
    const victims = victimsIn(
      '6,1,1,c;Task in ',
      'eth0: link up',
      '6,3,3,+;/docker/a killed as a result of limit of ',
      '6,4,4,+;/docker/a',
      'Memory cgroup out of memory: Kill process 1 (x) score 54 or sacrifice child',
      'Killed process 1 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB',
    );
    expect(victims.map(({ cgroup }) => cgroup)).toEqual(['/docker/a']);
  });

  it('does not guess what was cut from a piece', () => {
    const path = `/${'x'.repeat(1_100)}`.slice(0, 1_022);
    const victims = victimsIn(
      'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/,task_memcg=',
      `4,1,1,c;${path}`,
      `4,2,2,c;${last}`,
      killed('tail', 12_766),
    );
    expect(victims).toMatchObject([{ pid: 12_766, cgroup: undefined }]);
  });
});

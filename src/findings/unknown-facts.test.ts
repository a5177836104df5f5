import { describe, expect, it } from 'vitest';
import {
  ALL,
  DOCKER_DEFAULT,
  HOST_USERS,
  mount,
  REMAPPED,
  subject,
  type SubjectFacts,
  UNCONFINED,
} from '../../test/subjects.ts';
import { assess } from './assess.ts';
import type { Subject } from './finding.ts';

/** Values of each fact that can be unknown. */
const VALUES = {
  'posture.escapedProcesses': [0, 1],
  'posture.obtainable': [0n, ALL],
  'posture.raisedUlimits': [[], ['Max open files']],
  'posture.oomScoreAdj': [0, -1],
  'posture.mounts.rootReadOnly': [true, false],
  'posture.mounts.procMasked': [true, false],
  'posture.mounts.sysWritable': [true, false],
  'posture.mounts.ownSysWritable': [true, false],
  'posture.mounts.cgroupWritable': [true, false],
  'posture.mounts.hostMounts': [[], [mount('root')], [mount('socket', { usable: true })], [mount('plain')]],
  'posture.mounts.propagating': [[], ['/data']],
  'posture.devices.blockDevices': [[], ['sda']],
  'posture.init.noNewPrivileges': [true, false],
  'posture.init.seccomp': ['disabled', 'filter'],
  'posture.init.label': [DOCKER_DEFAULT, UNCONFINED, { lsm: 'none' }],
  'posture.init.users': [HOST_USERS, REMAPPED],
  'posture.processes.users': [HOST_USERS, REMAPPED],
  'posture.processes.label': [DOCKER_DEFAULT, UNCONFINED],
  'posture.processes.seccomp': ['disabled', 'filter'],
  'hostNamespaces.mnt': [true, false],
  'hostNamespaces.pid': [true, false],
  'hostNamespaces.net': [true, false],
  'hostNamespaces.ipc': [true, false],
  'hostNamespaces.uts': [true, false],
  'limited.memory': [true, false],
} as const;

const SUBJECTS: Readonly<Record<string, SubjectFacts>> = {
  default: {},
  privileged: {
    bounding: '000001ffffffffff',
    process: { seccomp: 'disabled', label: UNCONFINED },
    mounts: { procMasked: false, sysWritable: true, ownSysWritable: true, cgroupWritable: true },
  },
  'of a user': { process: { uid: 1000, holdsRoot: false }, others: [{ uid: 0, holdsRoot: true }] },
  'of a user, in a user namespace': {
    process: { uid: 101_000, holdsRoot: false, users: REMAPPED },
    others: [{ uid: 100_000, holdsRoot: false, users: REMAPPED }],
  },
  'entered with more': { others: [{ bounding: ALL, permitted: ALL, seccomp: 'disabled', label: UNCONFINED }] },
};

function withFact(of: Subject, path: string, value: unknown): Subject {
  const copy = structuredClone(of);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const at: unknown = names.reduce<unknown>((outer, name) => (outer as Record<string, unknown>)[name], copy);
  // Of all processes, if it is a list.
  for (const each of [at].flat()) (each as Record<string, unknown>)[last] = value;
  return copy;
}

describe.each(Object.keys(SUBJECTS))('a container: %s', (name) => {
  it.each(Object.entries(VALUES))('has no answer that depends on an unknown fact: %s', (path, values) => {
    const base = subject(SUBJECTS[name] ?? {});
    const answers = (value: unknown) => assess(withFact(base, path, value));
    const unknown = answers(undefined);
    const known = values.map(answers);
    const wrong = unknown.findings.flatMap(({ finding, answer }, index) => {
      const others = known.map(({ findings }) => findings[index]?.answer);
      return answer !== 'unknown' && others.some((other) => other !== answer && other !== 'unknown')
        ? [`${finding.id}: ${answer}, but ${others.join(' or ')}`]
        : [];
    });
    expect(wrong).toEqual([]);
    for (const { isolationLevel } of known) {
      expect(unknown.isolationLevel?.level).toBeLessThanOrEqual(isolationLevel?.level ?? NaN);
      if (unknown.isolationLevel?.certain === true) expect(isolationLevel?.level).toBe(unknown.isolationLevel.level);
    }
  });
});

import type { CapturedContainer, CapturedTree } from './captured-tree.ts';
import { pathsOf } from './captured-tree.ts';
import { type Answer, type Call, isAtOrBelow, systemCalls } from './system-calls.ts';

/** What can happen to a container between two system calls. */
export interface Fault {
  readonly name: string;
  /** Whether it lacks rights. What a process is then is looked at again after 45 s at most. */
  readonly isDenial?: boolean;
  /** Another container has its paths, and so its labels, or will have when it is back. Kills are a sum over all of them. */
  readonly isReplaced?: boolean;
  strike(tree: CapturedTree, victim: CapturedContainer, other: CapturedContainer): void;
}

/** What may be wrong with files that exist: a driver's error, a lock, a lack of rights or of memory. */
const CODES = ['EIO', 'EBUSY', 'EACCES', 'ENOMEM'] as const;

const isOf = (victim: CapturedContainer) => (call: Call) =>
  pathsOf(victim).some((path) => isAtOrBelow(call.path, path));

const onFilesOf = (victim: CapturedContainer, answer: Answer) => (call: Call) =>
  isOf(victim)(call) ? answer : undefined;

/** What is left of a cgroup that is being removed, and of a process that is ending: both can be opened, but not read. */
const onDyingFilesOf = (victim: CapturedContainer) => (call: Call) => {
  if (call.name !== 'readSync' || !isOf(victim)(call)) return undefined;
  return { code: isAtOrBelow(call.path, '/proc') ? 'ESRCH' : 'ENODEV' };
};

export const FAULTS: readonly Fault[] = [
  { name: 'it is removed', isReplaced: true, strike: (tree, victim) => tree.remove(victim) },
  { name: 'its processes end', strike: (tree, victim) => tree.endProcesses(victim) },
  { name: 'its pids are reused', strike: (tree, victim, other) => tree.reusePids(victim, other) },
  {
    name: 'another one takes its paths and pids',
    isReplaced: true,
    strike: (tree, victim, other) => tree.replace(victim, other),
  },
  {
    name: 'its files read as empty',
    strike: (_, victim) => void (systemCalls.answer = onFilesOf(victim, 'nothing')),
  },
  {
    name: 'its files open, but are those of something that is being removed',
    strike: (_, victim) => void (systemCalls.answer = onDyingFilesOf(victim)),
  },
  ...CODES.map((code) => ({
    name: `its files answer ${code}`,
    isDenial: code === 'EACCES',
    strike: (_: CapturedTree, victim: CapturedContainer) => void (systemCalls.answer = onFilesOf(victim, { code })),
  })),
  ...CODES.map((code) => ({
    name: `one call answers ${code}`,
    isDenial: code === 'EACCES',
    strike(_: CapturedTree, victim: CapturedContainer) {
      const answer = onFilesOf(victim, { code });
      systemCalls.answer = (call) => {
        const found = answer(call);
        if (found !== undefined) systemCalls.answer = undefined;
        return found;
      };
    },
  })),
];

/** The container whose file a call is on. */
export function ownerOf(call: Call, containers: readonly CapturedContainer[]): CapturedContainer | undefined {
  return containers.find((container) => pathsOf(container).some((path) => isAtOrBelow(call.path, path)));
}

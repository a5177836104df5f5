import type { Posture, ProcessPosture } from './posture.ts';

/** The part of a posture that covers all processes of a container. */
export type ProcessSummary = Pick<Posture, 'processes' | 'allProcesses' | 'escapedProcesses'>;

/**
 * Summarizes the processes of a container. Pure.
 *
 * @param byPid the posture of each process; `undefined` for one that does not count.
 * @param allProcesses whether all processes were inspected.
 */
export function summaryOf(
  byPid: ReadonlyMap<number, ProcessPosture | undefined>,
  init: ProcessPosture,
  allProcesses: boolean,
): ProcessSummary {
  const processes = new Map([[keyOf(init), init]]);
  let escaped = 0;
  let unknown = false;
  for (const process of byPid.values()) {
    if (process === undefined) continue;
    processes.set(keyOf(process), process);
    if (process.escaped === true) escaped += 1;
    if (process.escaped === undefined) unknown = true;
  }
  return {
    processes: [...processes.values()],
    allProcesses,
    escapedProcesses: (unknown || !allProcesses) && escaped === 0 ? undefined : escaped,
  };
}

/** Whether two summaries of the same container are equal. */
export function isSameSummary(one: ProcessSummary, other: ProcessSummary): boolean {
  return (
    one.escapedProcesses === other.escapedProcesses &&
    one.allProcesses === other.allProcesses &&
    keysOf(one.processes) === keysOf(other.processes)
  );
}

function keysOf(processes: readonly ProcessPosture[]): string {
  return processes.map(keyOf).join('\n');
}

const keys = new WeakMap<ProcessPosture, string>();

/** A key that equal processes share. Only one process name affects the result, and no number of a namespace. */
function keyOf(process: ProcessPosture): string {
  const known = keys.get(process);
  if (known !== undefined) return known;
  const named = { ...process, name: process.name === 'sshd' ? process.name : '', mnt: undefined };
  const key = JSON.stringify(named, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  keys.set(process, key);
  return key;
}

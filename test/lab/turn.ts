import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { errnoOf } from '../../src/kernel/errno.ts';

/** How often this process has taken the machine. A suite may be part of another one. */
let taken = 0;

/** Waits until no other process of this run has the machine, and takes it. */
export async function takeMachine(directory: string): Promise<void> {
  if (taken === 0) while (!isFree(fileIn(directory))) await setTimeout(100);
  taken += 1;
}

/** Lets the next one have the machine. */
export function leaveMachine(directory: string): void {
  taken -= 1;
  if (taken === 0) rmSync(fileIn(directory));
}

const fileIn = (directory: string): string => join(directory, 'turn');

/** Whether the file could be made. One of a process that has ended is removed. */
function isFree(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  if (!isAlive(Number(readFileSync(file, 'utf8')))) rmSync(file);
  return false;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

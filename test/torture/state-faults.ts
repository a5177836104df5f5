import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StateFile } from '../../src/oom/state-file.ts';
import { type Entries, JournalWriter } from '../../src/oom/state-journal.ts';

const WRITER = fileURLToPath(new URL('./state-writer.ts', import.meta.url));

/** What came of a fault, tried many times. */
export interface FaultResult {
  readonly fault: string;
  readonly times: number;
  /** States that were saved and not loaded again, though they were complete in the file. */
  readonly lost: number;
  /** States that were loaded and that nobody had saved: mixed, or with more than there was. */
  readonly wrong: number;
  /** The most lines of the log that one fault caused. */
  readonly logLines: number;
}

/** Kills a process with SIGKILL while it saves states, and starts the next one on the same file. */
export async function killWriters(directory: string, times: number): Promise<FaultResult> {
  const path = join(directory, 'killed');
  let [begun, complete, lost, wrong, logLines] = [0, 0, 0, 0, 0];
  for (let nth = 0; nth <= times; nth += 1) {
    const child = spawn(process.execPath, ['--import', 'tsx', WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let [logged, saves] = [0, 0];
    for await (const line of createInterface(child.stdout)) {
      const [word = '', first, second] = line.split(' ');
      const count = Number(first);
      if (word === 'log') logLines = Math.max(logLines, (logged += 1));
      if (word === 'loaded') {
        if (count < complete) lost += 1;
        if (count > begun || count !== Number(second)) wrong += 1;
      }
      if (word === 'begins') begun = count;
      if (word === 'complete') complete = count;
      // While the next one is under way.
      if (word === 'complete' && (saves += 1) === 2) setTimeout(() => child.kill('SIGKILL'), Math.random() * 30);
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (child.signalCode !== 'SIGKILL') throw new Error(`The writer has ended by itself, with ${child.exitCode}`);
  }
  return { fault: 'SIGKILL while it writes', times, lost, wrong, logLines };
}

/** States, the later ones appended. */
const STATES = [{ kills: 1 }, { kills: 2, name: 'wéb' }, { kills: 3 }].map(
  (state): Readonly<Record<string, unknown>> => ({ boot: 'b', ...state }),
);

/** The file after each of the states. */
function filesOf(): readonly Buffer[] {
  const writer = new JournalWriter();
  let text = '';
  return STATES.map((state, nth) => {
    text += nth === 0 ? writer.begin(entriesOf(state)) : writer.change(entriesOf(state));
    return Buffer.from(text);
  });
}

/** Cuts a file off after each of its bytes. */
export function cutEverywhere(directory: string): FaultResult {
  const files = filesOf();
  const whole = files.at(-1) ?? Buffer.of();
  const damaged = Array.from({ length: whole.length }, (_, length) => ({
    content: whole.subarray(0, length),
    intact: files.filter((file) => file.length <= length).length,
  }));
  return tryEach('cut off after each byte', directory, damaged);
}

/** Flips each bit of a file. */
export function flipEachBit(directory: string): FaultResult {
  const files = filesOf();
  const whole = files.at(-1) ?? Buffer.of();
  const damaged = Array.from({ length: whole.length * 8 }, (_, bit) => {
    const content = Buffer.from(whole);
    content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return { content, intact: files.filter((file) => file.length <= bit >> 3).length };
  });
  return tryEach('each bit flipped', directory, damaged);
}

/** @param damaged contents, and how many of the states are intact in each. */
function tryEach(
  fault: string,
  directory: string,
  damaged: readonly { readonly content: Buffer; readonly intact: number }[],
): FaultResult {
  let [lost, wrong, logLines] = [0, 0, 0];
  for (const [nth, { content, intact }] of damaged.entries()) {
    // Its own, as a damaged file is moved away.
    const own = join(directory, `${nth}`);
    mkdirSync(own);
    writeFileSync(join(own, 'state'), content);
    const { state, lines } = load(join(own, 'state'));
    const found = STATES.findIndex((one) => JSON.stringify(one) === JSON.stringify(state));
    if (state !== undefined && found === -1) wrong += 1;
    else if (found + 1 < intact) lost += 1;
    logLines = Math.max(logLines, lines);
    rmSync(own, { recursive: true });
  }
  return { fault, times: damaged.length, lost, wrong, logLines };
}

const SMALL_KB = 256;

/** Saves ever more until a small file system is full, makes room, and saves again, several times. As root. */
export async function fillDisk(directory: string, times: number): Promise<FaultResult> {
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_KB}k`, 'isolation-exporter-test', disk]);
  let [lost, wrong, logLines] = [0, 0, 0];
  try {
    const path = join(disk, 'state');
    let lines = 0;
    const file = new StateFile(
      path,
      logging(() => (lines += 1)),
    );
    const save = async (state: object): Promise<void> => {
      while (!file.save(entriesOf(state))) await sleep(1);
      // Complete when the next one may begin.
      while (!file.save(entriesOf(state))) await sleep(1);
    };
    for (let round = 1; round <= times; round += 1) {
      lines = 0;
      let saved: object = {};
      let size = 0;
      for (; size < SMALL_KB; size += 7) {
        const next = { round, size, text: 'x'.repeat(size * 1_024) };
        await save(next);
        if (!file.up) break;
        saved = next;
      }
      if (file.up) throw new Error('The disk is not full');
      // What does not fit changes nothing about what is there.
      for (let again = 0; again < 3; again += 1) await save({ round, again, text: 'x'.repeat(SMALL_KB * 1_024) });
      const { state } = load(path);
      if (state === undefined) lost += 1;
      else if (JSON.stringify(state) !== JSON.stringify(saved)) wrong += 1;
      logLines = Math.max(logLines, lines);
      await save({ round });
      if (!file.up || JSON.stringify(load(path).state) !== JSON.stringify({ round })) lost += 1;
    }
    await file.close(entriesOf({}));
  } finally {
    execFileSync('umount', [disk]);
  }
  return { fault: 'the disk is full', times, lost, wrong, logLines };
}

function load(path: string): { readonly state: unknown; readonly lines: number } {
  let lines = 0;
  const file = new StateFile(
    path,
    logging(() => (lines += 1)),
  );
  return { state: file.load((entries) => Object.fromEntries(entries)), lines };
}

function logging(note: () => void): ConstructorParameters<typeof StateFile>[1] {
  return { debug() {}, info() {}, error: note, warn: note };
}

function entriesOf(state: object): Entries {
  return new Map(Object.entries(state).map(([key, value]) => [key, JSON.stringify(value)]));
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe } from 'vitest';
import { buildOnce, keptOf } from '../lab/build-once.ts';
import { hasGo, ownGoProgram } from '../lab/go-tools.ts';
import { host } from '../lab/host.ts';
import { quote, succeed } from '../lab/machine.ts';
import { type ReadSample, samplesOfLines } from './samples.ts';

/** A small program of ours around parsers that others wrote. */
interface Program {
  /** The folder of its sources, here. */
  readonly sources: string;
  /** Whether building it takes seconds, not a minute. */
  readonly quick: boolean;
  /** Whether the machine has what builds it. */
  canBuild(): boolean;
  build(): Promise<unknown>;
  /** What to run before the arguments. */
  command(): string;
}

const sourcesOf = (language: string) => fileURLToPath(new URL(language, import.meta.url));
const onPath = (program: string) =>
  (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)));

const [GO, PYTHON, RUST] = [sourcesOf('go'), sourcesOf('python'), sourcesOf('rust')];

/** All programs, by language. */
export const PROGRAMS = {
  go: {
    sources: GO,
    quick: false,
    canBuild: () => hasGo,
    build: () => ownGoProgram(GO),
    command: () => join(keptOf('go', GO), 'readers'),
  },
  python: {
    sources: PYTHON,
    quick: true,
    canBuild: () => onPath('python3') && onPath('pip3'),
    build: () =>
      buildOnce(
        keptOf('python', PYTHON),
        `nice python3 -m pip install --quiet --no-deps --target "$work/bin/packages" --requirement ${quote(PYTHON)}/requirements.txt
        cp ${quote(PYTHON)}/read.py "$work/bin/"`,
      ),
    command: () => `PYTHONPATH=${keptOf('python', PYTHON)}/packages python3 ${keptOf('python', PYTHON)}/read.py`,
  },
  rust: {
    sources: RUST,
    quick: false,
    canBuild: () => onPath('cargo'),
    build: () =>
      buildOnce(
        keptOf('rust', RUST),
        `cp -r ${quote(RUST)} "$work/sources"
        cd "$work/sources"
        nice cargo build --quiet --release
        mv target/release/readers "$work/bin/"`,
      ),
    command: () => join(keptOf('rust', RUST), 'readers'),
  },
} satisfies Record<string, Program>;

export type Language = keyof typeof PROGRAMS;

/**
 * A suite that needs one of them. If building takes a minute, the suite only runs with `LAB=all`, or if an earlier run has built the
 * program.
 */
export function describeWithReader(name: string, language: Language, suite: () => void): void {
  const { sources, quick, canBuild, build } = PROGRAMS[language];
  const isBuilt = existsSync(keptOf(language, sources));
  if (!isBuilt && !canBuild()) {
    describe.skip(`${name} [skipped: needs what builds it: ${language}]`, suite);
    return;
  }
  if (!isBuilt && !quick && process.env['LAB'] !== 'all') {
    describe.skip(`${name} [skipped: takes long to build; LAB=all does]`, suite);
    return;
  }
  describe(name, () => {
    beforeAll(build, 1_800_000);
    suite();
  });
}

/** Reads a file. @throws if the reader reports an error. */
export async function readWith(language: Language, ...words: readonly string[]): Promise<readonly ReadSample[]> {
  return samplesOfLines(await succeed(host, `${PROGRAMS[language].command()} ${quote(...words)}`));
}

import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../src/kernel/errno.ts';
import type { Redact } from './redact.ts';

/** Larger files are lists that the exporter does not read. */
const MAX_BYTES = 64 * 1024;

/** The tree that a capture is written to. Counts files and bytes for the manifest. */
export class FixtureTree {
  readonly directory: string;
  readonly #redact: Redact;
  #files = 0;
  #bytes = 0;
  readonly #denied: string[] = [];

  constructor(directory: string, redact: Redact) {
    this.directory = directory;
    this.#redact = redact;
  }

  get files(): number {
    return this.#files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Existing files that could not be read. */
  get denied(): readonly string[] {
    return this.#denied;
  }

  /** Copies a file's content or a link's target. Omits absent, write-only and large files. */
  copy(from: string, to: string, change: Redact = (text) => text): void {
    try {
      if (lstatSync(from).isSymbolicLink()) {
        this.#link(readlinkSync(from), to);
        return;
      }
      // Bytes that are not UTF-8 must survive.
      const text = readFileSync(from).toString('latin1');
      if (text.length <= MAX_BYTES) this.write(to, change(this.#redact(text)));
    } catch (error) {
      const code = errnoOf(error) ?? String(error);
      if (code === 'EACCES' || code === 'EPERM') this.#denied.push(`${from}: ${code}`);
    }
  }

  /** Writes a file with known content, one byte per character. */
  write(to: string, content: string): void {
    const path = this.#make(to);
    const bytes = Buffer.from(this.#redact(content), 'latin1');
    writeFileSync(path, bytes, { mode: 0o644 });
    this.#bytes += bytes.length;
  }

  #link(target: string, to: string): void {
    symlinkSync(target, this.#make(to));
  }

  #make(to: string): string {
    const path = join(this.directory, to);
    mkdirSync(dirname(path), { recursive: true });
    this.#files += 1;
    return path;
  }
}

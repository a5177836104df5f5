// @ts-check
// Counts the disk space of a directory tree that a container fills as it likes. The count is made in parts, so that a probe process
// is never silent for long, and each of its bounds ends it.
import { closeSync, constants, fstatSync, lstatSync, openSync, opendirSync, statfsSync } from 'node:fs';
import { setPriority } from 'node:os';

/** @import { BigIntStats, Dir } from 'node:fs' */
/** @import { Request, TreeCount, TreeLimit } from './requests.ts' */

/** The bounds of a count. */
const MOST_ENTRIES = 200_000;
/** Each open level of the tree has a descriptor. */
const MOST_LEVELS = 256;
/** Of the count itself, without the pauses between its parts, in ms. */
const LONGEST_MS = 10_000;
/** Of the names of directories that are still to be entered, in bytes: the heap of a probe process is small. */
const MOST_NAME_BYTES = 4 * 1024 * 1024;
/** A name costs memory besides its characters. */
const NAME_OVERHEAD = 32;

/** After so many ms the process replies and can answer other questions. */
const PART_MS = 25;

/** A directory on the way from the top to where the count is. */
/** @typedef {{ descriptor: number, listing: Dir | undefined, directories: string[] }} Level */

/** @type {TreeWalk | undefined} */
let current;

/**
 * Counts for a moment.
 *
 * @param {Extract<Request, { look: 'tree' }>} request
 * @returns {TreeCount}
 * @throws the system error if the directory itself cannot be read; ESTALE if there is no such count to continue.
 */
export function countTree({ path, more }) {
  if (!more) {
    current?.close();
    current = undefined;
    current = new TreeWalk(path);
  }
  if (current?.path !== path) throw Object.assign(new Error('No such count'), { code: 'ESTALE' });
  const state = current.step();
  const { bytes, fileSystem } = current;
  if (state !== 'more') {
    current.close();
    current = undefined;
  }
  return { state, bytes: Number(bytes), fileSystem };
}

class TreeWalk {
  bytes = 0n;
  /** @type {Level[]} */
  #levels = [];
  /** Files with several names count once. */
  #linked = new Set();
  #entries = 0;
  #nameBytes = 0;
  #ms = 0;

  /** @param {string} path the top. A link is not followed. */
  constructor(path) {
    // Work that nobody waits for. Where the process may not lower its priority, it works at its own.
    try {
      setPriority(19);
    } catch {}
    this.path = path;
    const descriptor = openDirectory(Buffer.from(path));
    try {
      const { bsize, blocks, bavail } = statfsSync(at(descriptor), { bigint: true });
      this.fileSystem = { size: Number(blocks * bsize), available: Number(bavail * bsize) };
      const { dev, blocks: own } = fstatSync(descriptor, { bigint: true });
      this.dev = dev;
      this.bytes = own * 512n;
      this.#list(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /**
   * Counts until the time of one part is over.
   *
   * @returns {TreeCount['state']}
   */
  step() {
    const start = performance.now();
    try {
      for (;;) {
        const elapsed = performance.now() - start;
        if (this.#ms + elapsed > LONGEST_MS) return 'too_slow';
        if (elapsed > PART_MS) {
          this.#ms += elapsed;
          return 'more';
        }
        const level = this.#levels.at(-1);
        if (level === undefined) return 'complete';
        const limit = level.listing === undefined ? this.#enterNext(level) : this.#countNext(level, level.listing);
        if (limit !== undefined) return limit;
      }
    } catch {
      return 'unreadable';
    }
  }

  close() {
    for (const { descriptor, listing } of this.#levels.splice(0)) {
      listing?.closeSync();
      closeSync(descriptor);
    }
  }

  /** @param {number} descriptor of a directory. The walk closes it. */
  #list(descriptor) {
    // One character for each byte: a name may be no UTF-8.
    const listing = opendirSync(at(descriptor), { encoding: 'latin1' });
    this.#levels.push({ descriptor, listing, directories: [] });
  }

  /**
   * Counts the next file of a directory.
   *
   * @param {Level} level
   * @param {Dir} listing
   * @returns {TreeLimit | undefined}
   */
  #countNext(level, listing) {
    const entry = listing.readSync();
    if (entry === null) {
      level.listing = undefined;
      listing.closeSync();
      return undefined;
    }
    this.#entries += 1;
    if (this.#entries > MOST_ENTRIES) return 'too_many_files';
    const file = statOf(level, entry.name);
    // Removed meanwhile, or another file system, which the container cannot have mounted here.
    if (file === undefined || file.dev !== this.dev) return undefined;
    if (file.isDirectory()) {
      this.#nameBytes += entry.name.length + NAME_OVERHEAD;
      if (this.#nameBytes > MOST_NAME_BYTES) return 'too_many_files';
      level.directories.push(entry.name);
    } else if (file.nlink > 1n) {
      if (this.#linked.has(file.ino)) return undefined;
      this.#linked.add(file.ino);
    }
    this.bytes += file.blocks * 512n;
    return undefined;
  }

  /**
   * Enters the next directory, or leaves this one if there is none.
   *
   * @param {Level} level
   * @returns {TreeLimit | undefined}
   */
  #enterNext(level) {
    const name = level.directories.pop();
    if (name === undefined) {
      this.#levels.pop();
      closeSync(level.descriptor);
      return undefined;
    }
    this.#nameBytes -= name.length + NAME_OVERHEAD;
    if (this.#levels.length === MOST_LEVELS) return 'too_deep';
    const descriptor = unlessReplaced(() => openDirectory(below(level, name)));
    if (descriptor === undefined) return undefined;
    try {
      if (fstatSync(descriptor, { bigint: true }).dev === this.dev) this.#list(descriptor);
      else closeSync(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    return undefined;
  }
}

/**
 * A path that leads to an open directory, as `openat` does, wherever the directory has been moved.
 *
 * @param {number} descriptor
 */
function at(descriptor) {
  return `/proc/self/fd/${descriptor}`;
}

/**
 * @param {Level} level
 * @param {string} name one character for each byte.
 */
function below({ descriptor }, name) {
  return Buffer.from(`${at(descriptor)}/${name}`, 'latin1');
}

/** @param {Buffer} path the last name may not be a link. */
function openDirectory(path) {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/**
 * @param {Level} level
 * @param {string} name
 * @returns {BigIntStats | undefined}
 */
function statOf(level, name) {
  return unlessReplaced(() => lstatSync(below(level, name), { bigint: true }));
}

/**
 * A file of a moment ago may be gone, and a directory may be a link.
 *
 * @template T
 * @param {() => T} look
 * @returns {T | undefined}
 */
function unlessReplaced(look) {
  try {
    return look();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

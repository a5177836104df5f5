// @ts-check
// The program of a probe process. It looks at paths that may hang for ever, so that the exporter itself never hangs on them.
// It is plain JavaScript, because Node runs this file directly, both from the sources and from dist.
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  opendirSync,
  readlinkSync,
  realpathSync,
  readSync,
  statSync,
} from 'node:fs';
import { countTree } from './tree-walk.js';

/** @import { Answers, Request, Reply } from './requests.ts' */

/** The listing of a directory stops after this many entries. */
const MOST_ENTRIES = 10_000;

/** At most this many directories below the first one are listed. */
const MOST_DIRECTORIES = 64;

/** The search for links stops after this many entries of any kind. */
const MOST_SEARCHED = 100_000;

/** Two changes within this time, in ms, can give a directory the same time stamp. */
const SAME_STAMP_MS = 2_000;

/** File systems of their own in `/dev` that hold many files and no devices. */
const WITHOUT_DEVICES = ['pts', 'shm', 'mqueue', 'hugepages'];

process.on('message', (message) => {
  for (const request of /** @type {readonly Request[]} */ (message)) process.send?.(reply(request));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

/**
 * @param {Request} request
 * @returns {Reply}
 */
function reply(request) {
  const { id } = request;
  try {
    return { id, value: answer(request) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
    return { id, code };
  }
}

/**
 * @param {Request} request
 * @returns {Answers[keyof Answers]}
 */
function answer(request) {
  const { path } = request;
  switch (request.look) {
    case 'owner': {
      const { uid, gid, mode } = lstatSync(path);
      return { uid, gid, mode };
    }
    case 'identity': {
      const { dev, ino } = statSync(path, { bigint: true });
      return { dev: String(dev), ino: String(ino) };
    }
    case 'blockDevices':
      return blockDevicesIn(path, request.skip);
    case 'linkTo':
      return hasLinkTo(path, request.targets);
    case 'links':
      return linksIn(request);
    case 'tree':
      return countTree(request);
    case 'realPath':
      return realpathSync.native(path);
    case 'text':
      return textOf(path, request.most);
    default:
      accessSync(path, constants.R_OK | constants.W_OK);
      return true;
  }
}

/**
 * The block devices in a directory and in those right below it.
 *
 * @param {string} path
 * @param {readonly string[]} skip names of directories that must not be entered.
 * @returns {Answers['blockDevices']}
 */
function blockDevicesIn(path, skip) {
  const top = list(path);
  const wanted = top.directories.filter((name) => !WITHOUT_DEVICES.includes(name));
  const directories = wanted.filter((name) => !skip.includes(name));
  const below = directories.slice(0, MOST_DIRECTORIES).flatMap((name) => {
    const { blockDevices } = listUnlessReplaced(`${path}/${name}`);
    return blockDevices.map((device) => `${name}/${device}`);
  });
  return {
    names: [...top.blockDevices, ...below],
    complete: top.complete && directories.length === wanted.length && directories.length <= MOST_DIRECTORIES,
  };
}

/**
 * Whether a link in a directory leads to one of these.
 *
 * @param {string} path
 * @param {readonly string[]} targets
 * @returns {Answers['linkTo']}
 */
function hasLinkTo(path, targets) {
  const directory = opendirSync(path);
  try {
    for (let left = MOST_ENTRIES; left > 0; left -= 1) {
      const entry = directory.readSync();
      if (entry === null) return 'no';
      if (targets.includes(linkAt(`${path}/${entry.name}`))) return 'yes';
    }
    return 'too many';
  } finally {
    directory.closeSync();
  }
}

/**
 * The links in a directory and their targets. None is followed.
 *
 * @param {Extract<Request, { look: 'links' }>} request
 * @returns {Answers['links']}
 */
function linksIn({ path, suffix, most, unlessVersion }) {
  const { dev, ino, mtimeNs, mtimeMs } = statSync(path, { bigint: true });
  const version = `${dev} ${ino} ${mtimeNs}`;
  if (version === unlessVersion) return 'unchanged';
  const isSettled = Math.abs(Date.now() - Number(mtimeMs)) > SAME_STAMP_MS;
  /** @type {[string, string][]} */
  const links = [];
  let complete = true;
  const directory = opendirSync(path, { bufferSize: 1024 });
  try {
    let left = MOST_SEARCHED;
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      const isWanted = entry.isSymbolicLink() && entry.name.endsWith(suffix);
      if (left === 0 || (isWanted && links.length === most)) {
        complete = false;
        break;
      }
      left -= 1;
      if (isWanted) links.push([entry.name, linkAt(`${path}/${entry.name}`)]);
    }
  } finally {
    directory.closeSync();
  }
  return { links, complete, version: isSettled ? version : '' };
}

/**
 * The target of a link; empty if the link is already gone.
 *
 * @param {string} path
 */
function linkAt(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/**
 * A link is not followed, neither in the directory nor to the directory itself: in a container it may lead anywhere.
 *
 * @param {string} path
 */
function list(path) {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  /** @type {string[]} */
  const blockDevices = [];
  /** @type {string[]} */
  const directories = [];
  let left = MOST_ENTRIES;
  try {
    const directory = opendirSync(`/proc/self/fd/${descriptor}`);
    try {
      for (let entry = directory.readSync(); entry !== null && left > 0; entry = directory.readSync()) {
        left -= 1;
        if (entry.isBlockDevice()) blockDevices.push(entry.name);
        else if (entry.isDirectory()) directories.push(entry.name);
      }
    } finally {
      directory.closeSync();
    }
  } finally {
    closeSync(descriptor);
  }
  return { blockDevices, directories, complete: left > 0 };
}

/**
 * Lists a directory. Returns nothing if the path was replaced: a directory of a moment ago may already be something else.
 *
 * @param {string} path
 */
function listUnlessReplaced(path) {
  try {
    return list(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT') return { blockDevices: [] };
    throw error;
  }
}

/**
 * The first bytes of a file, as text. Opening a FIFO does not wait for its writer.
 *
 * @param {string} path
 * @param {number} most in bytes.
 */
function textOf(path, most) {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(most);
    let length = 0;
    for (;;) {
      const more = readSync(descriptor, buffer, length, most - length, null);
      length += more;
      if (more === 0 || length === most) return buffer.toString('utf8', 0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

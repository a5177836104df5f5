import { createHmac, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { textReply } from './respond.ts';
import type { Reply } from './respond.ts';

/** Users and the bcrypt hashes of their passwords. */
type Users = ReadonlyMap<string, string>;

/** Compares one password with one bcrypt hash. */
export type Compare = (password: string, hash: string) => Promise<boolean>;

/** Lets a request in (`undefined`), or says what to answer instead. */
export type Guard = (authorization: string | undefined, users: Users) => Promise<Reply | undefined>;

/** How many right and how many wrong logins are remembered. */
const REMEMBERED = 100;

/** How many comparisons may be waiting. Each takes tens of ms and more, and whoever reaches the port can ask for one. */
const WAITING = 16;

const require = createRequire(import.meta.url);

/** What the thread does that a comparison gets. As text, since it runs from the sources and when built alike. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { compareSync } = require(workerData.bcrypt);
parentPort.postMessage(compareSync(workerData.password, workerData.hash));
`;

/**
 * Compares in a thread: bcryptjs on the main one would hold up everything else for 100 ms at a time, for as long as
 * somebody goes on guessing.
 */
function compareInThread(password: string, hash: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const bcrypt = require.resolve('bcryptjs');
    const worker = new Worker(THREAD, {
      eval: true,
      execArgv: [],
      env: {},
      workerData: { bcrypt, password, hash },
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.once('message', (same: unknown) => resolve(same === true));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The comparison of a password ended without a result')));
    // It is not to hold up the end of the process.
    worker.unref();
  });
}

/**
 * Creates the guard of the server, by basic authentication. Passwords are compared one at a time. Results are kept, by a
 * keyed hash of name, password and bcrypt hash; the key is of this process, and with a new hash a new comparison is due.
 */
export function createGuard(compare: Compare = compareInThread): Guard {
  const secret = randomBytes(32);
  // Apart, so that who guesses does not displace who knows.
  const right = new Set<string>();
  const wrong = new Set<string>();
  const running = new Map<string, Promise<boolean>>();
  let last: Promise<unknown> = Promise.resolve();

  async function check(key: string, password: string, hash: string): Promise<boolean> {
    const turn = last.then(() => compare(password, hash));
    last = turn.catch(() => {});
    running.set(key, turn);
    try {
      return await turn;
    } finally {
      running.delete(key);
    }
  }

  return async (authorization, users) => {
    if (users.size === 0) return undefined;
    const login = parseLogin(authorization);
    if (login === undefined) return unauthorized();
    const { name, password } = login;
    const hash = users.get(name);
    const key = createHmac('sha256', secret)
      .update(JSON.stringify([name, password, hash ?? '']))
      .digest('base64');
    if (right.has(key)) return undefined;
    if (wrong.has(key)) return unauthorized();
    if (!running.has(key) && running.size >= WAITING) {
      return textReply(503, 'Too many passwords are being checked, try again later.', { 'Retry-After': '1' });
    }
    const same = await (running.get(key) ?? check(key, password, hash ?? hashOfNobody(users)));
    const isKnown = same && hash !== undefined;
    remember(isKnown ? right : wrong, key);
    return isKnown ? undefined : unauthorized();
  };
}

/** A hash that costs as much as the dearest of the users, so that the time does not tell whether a name exists. */
function hashOfNobody(users: Users): string {
  const cost = [...users.values()]
    .map((hash) => hash.slice(4, 6))
    .toSorted()
    .at(-1);
  return `$2b$${cost}$${'.'.repeat(22)}${'/'.repeat(31)}`;
}

function remember(keys: Set<string>, key: string): void {
  keys.add(key);
  for (const oldest of keys) {
    if (keys.size <= REMEMBERED) break;
    keys.delete(oldest);
  }
}

/** Reads `Basic <base64 of name:password>` (RFC 7617). */
function parseLogin(authorization = ''): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(authorization)?.[1];
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (encoded === undefined || colon === -1) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unauthorized(): Reply {
  return textReply(401, 'Unauthorized', { 'WWW-Authenticate': 'Basic realm="isolation-exporter", charset="UTF-8"' });
}

import { createHmac, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { textReply } from './respond.ts';
import type { Reply } from './respond.ts';
import { SLOW_COST } from './web-config.ts';

/** Users and the bcrypt hashes of their passwords. */
type Users = ReadonlyMap<string, string>;

/** Compares a password with bcrypt hashes one after the other. Returns whether it matches the first. */
export type Compare = (password: string, hashes: readonly string[]) => Promise<boolean>;

/** Admits a request (`undefined`), or returns the reply that rejects it. */
export type Guard = (authorization: string | undefined, users: Users) => Promise<Reply | undefined>;

/** How many successful and how many failed logins are cached. */
const REMEMBERED = 100;

/** How many checks may wait in each line. Each takes tens of ms or more, and anyone who reaches the port can cause one. */
const WAITING = 16;

const require = createRequire(import.meta.url);

/** The code of the thread, as text, so that it runs from the sources and from the build. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { compareSync } = require(workerData.bcrypt);
const [matches] = workerData.hashes.map((hash) => compareSync(workerData.password, hash));
parentPort.postMessage(matches);
`;

/** Compares in a thread: on the main one, bcryptjs would block everything else for 100 ms at each guess. */
function compareInThread(password: string, hashes: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const bcrypt = require.resolve('bcryptjs');
    const worker = new Worker(THREAD, {
      eval: true,
      execArgv: [],
      env: {},
      workerData: { bcrypt, password, hashes },
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.once('message', (same: unknown) => resolve(same === true));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The password check ended without a result')));
    // Do not keep the process alive.
    worker.unref();
  });
}

/**
 * Creates the server's guard with basic authentication. Passwords are checked one at a time, those of hashes above `SLOW_COST` in a
 * line of their own: one such check takes seconds to days, and must not hold up the scrapes of other users. Results are cached by a keyed hash
 * of name, password and bcrypt hash. The key belongs to the process, and a new bcrypt hash needs a new check.
 */
export function createGuard(compare: Compare = compareInThread): Guard {
  const secret = randomBytes(32);
  // Separate caches, so that guesses do not displace users.
  const right = new Set<string>();
  const wrong = new Set<string>();
  const [quick, slow] = [new Line(), new Line()];

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
    const line = hash !== undefined && costOf(hash) > SLOW_COST ? slow : quick;
    const checking = line.check(key, () => compare(password, hashesToCompare(hash, users)));
    if (checking === undefined) {
      return textReply(503, 'Too many passwords are being checked, try again later.', { 'Retry-After': '1' });
    }
    const same = await checking;
    const isKnown = same && hash !== undefined;
    remember(isKnown ? right : wrong, key);
    return isKnown ? undefined : unauthorized();
  };
}

/** Checks that run one after the other. */
class Line {
  readonly #running = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  /** The result of the check with this key, which begins if it is not in the line yet; `undefined` if the line is full. */
  check(key: string, begin: () => Promise<boolean>): Promise<boolean> | undefined {
    const known = this.#running.get(key);
    if (known !== undefined || this.#running.size >= WAITING) return known;
    const turn = this.#last.then(begin).finally(() => this.#running.delete(key));
    this.#last = turn.catch(() => {});
    this.#running.set(key, turn);
    return turn;
  }
}

/**
 * The user's hash, plus others that make every check cost as much as that of the most expensive hash: otherwise the time would
 * reveal which names exist and which have a cheap hash. A bcrypt hash of cost c takes 2^c rounds, so after one of cost 5, those
 * of cost 5, 6 and 7 make up the difference to cost 8. Hashes above `SLOW_COST` are left out: their users are known by their time.
 */
function hashesToCompare(hash: string | undefined, users: Users): readonly string[] {
  const costs = [...users.values()].map(costOf).filter((cost) => cost <= SLOW_COST);
  const first = hash ?? hashOfNobody(Math.min(SLOW_COST, ...costs));
  const cost = costOf(first);
  const missing = Math.max(0, Math.max(...costs) - cost);
  return [first, ...Array.from({ length: missing }, (_, index) => hashOfNobody(cost + index))];
}

/** The cost in a hash such as `$2y$10$…`. */
function costOf(hash: string): number {
  return Number(hash.slice(4, 6));
}

function hashOfNobody(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(22)}${'/'.repeat(31)}`;
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

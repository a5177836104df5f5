import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { type ConfigFiles, LOCAL_FILES } from '../config-files/config-files.ts';
import { toError } from '../kernel/errno.ts';
import type { Log } from '../log.ts';
import { parseWebConfig } from './web-config.ts';
import { createLimiter, type Limiter } from './rate-limit.ts';
import type { Pem } from './tls-settings.ts';
import { createTlsRules } from './tls-rules.ts';
import type { TlsRules } from './tls-rules.ts';

/** Who may send requests, and over which protocol. */
export interface WebRules {
  /** `undefined`: plain HTTP. */
  readonly tls: TlsRules | undefined;
  readonly headers: ReadonlyMap<string, string>;
  /** Users and the bcrypt hashes of their passwords; none: everybody. */
  readonly users: ReadonlyMap<string, string>;
  /** Counts a request, and returns whether it may pass. */
  readonly allows: Limiter;
}

/** The rules currently in force. */
export interface CurrentRules {
  current(): WebRules;
}

/** The state of the files just before they were read. */
type Stamps = Map<string, string>;

/**
 * Reads the web configuration file and all that it names. `current` checks whether one of them has changed, which
 * costs a `stat` of each. If so, it reads them all again. If they are invalid, the last valid rules stay in force, and the
 * log reports this once.
 *
 * @throws Error in one line if the files are invalid at the start.
 */
export function readWebRules(path: string | undefined, log: Log, files: ConfigFiles = LOCAL_FILES): CurrentRules {
  if (path === undefined) {
    const open: WebRules = { tls: undefined, headers: new Map(), users: new Map(), allows: () => true };
    return { current: () => open };
  }
  const file = path;
  let stamps: Stamps = new Map();
  let { rules, warnings, digest } = load(file, stamps, files);
  let complaint: string | undefined;
  tell('web configuration read');

  function tell(message: string): void {
    log.info({ file, tls: rules.tls !== undefined, users: rules.users.size }, message);
    for (const warning of warnings) log.warn({ file }, warning);
  }

  function reload(): void {
    const next: Stamps = new Map();
    try {
      const loaded = load(file, next, files);
      // An editor may be about to write it. Without the users, everybody could log in meanwhile.
      if (loaded.isEmpty && loaded.digest !== digest) throw new Error(`${file} is empty`);
      if ((loaded.rules.tls === undefined) !== (rules.tls === undefined)) {
        throw new Error(`${file}: tls_server_config: switching TLS on or off requires a restart`);
      }
      if (loaded.digest !== digest || complaint !== undefined) {
        ({ rules, warnings, digest } = loaded);
        complaint = undefined;
        tell('web configuration read again');
      }
    } catch (error) {
      const message = String(error);
      if (message !== complaint) log.error({ error }, 'web configuration is invalid; keeping the last valid one');
      complaint = message;
    }
    stamps = next;
  }

  return {
    current: () => {
      if ([...stamps].some(([name, stamp]) => files.stamp(name) !== stamp)) reload();
      return rules;
    },
  };
}

/** Rules, and the digest of all files that they come from. */
interface Loaded {
  readonly rules: WebRules;
  readonly warnings: readonly string[];
  readonly digest: string;
  /** The web configuration file is empty, which means the same as no file. */
  readonly isEmpty: boolean;
}

function load(path: string, stamps: Stamps, files: ConfigFiles): Loaded {
  const hash = createHash('sha256');
  const read = (file: string): string => {
    stamps.set(file, files.stamp(file));
    const text = files.text(file);
    hash.update(JSON.stringify([file, text]));
    return text;
  };
  const readPem = (pem: Pem): string => {
    if ('text' in pem) return pem.text;
    try {
      return read(resolve(dirname(path), pem.file));
    } catch (error) {
      throw new Error(`${pem.setting}: ${messageOf(error)}`, { cause: error });
    }
  };
  try {
    const text = read(path);
    const { tls, headers, users, rateLimit, warnings } = parseWebConfig(text);
    const rules = {
      tls: tls === undefined ? undefined : createTlsRules(tls, readPem),
      headers,
      users,
      allows: createLimiter(rateLimit),
    };
    return { rules, warnings, digest: hash.digest('hex'), isEmpty: text.trim() === '' };
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return toError(error).message;
}

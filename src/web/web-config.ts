import { sectionOf, switchOf, textOf, wrong } from '../config-files/config-section.ts';
import { type RateLimit, rateLimitOf } from './rate-limit.ts';
import { readYaml } from '../config-files/strict-yaml.ts';
import { type TlsSettings, tlsSettingsOf } from './tls-settings.ts';

/** A web configuration file in the format of Prometheus' exporter-toolkit (docs/web-configuration.md there). */
export interface WebFile {
  /** `undefined`: plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** Headers to add to every response. */
  readonly headers: ReadonlyMap<string, string>;
  /** The bcrypt hash of each user's password. Without users no password is required. */
  readonly users: ReadonlyMap<string, string>;
  /** `undefined`: none. */
  readonly rateLimit: RateLimit | undefined;
  /** Warnings about settings that are accepted, but have less effect than in the toolkit, or are costly. */
  readonly warnings: readonly string[];
}

const [TLS, HTTP, USERS, RATE] = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'] as const;

/** The headers that can be set, and their valid values if not all are valid. */
const HEADERS: Readonly<Record<string, readonly string[] | undefined>> = {
  'Strict-Transport-Security': undefined,
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': undefined,
  'Content-Security-Policy': undefined,
};

/** bcrypt doubles its work with each step of the cost: at 14 a comparison takes about a second, at 18 a quarter of a minute. */
export const SLOW_COST = 14;
const HIGHEST_COST = 31;

/**
 * Reads a web configuration file. It does not read the files that this file names.
 *
 *     tls_server_config: { cert_file: server.crt, key_file: server.key }
 *     http_server_config: { headers: { X-Frame-Options: deny } }
 *     basic_auth_users: { alice: $2y$10$… }
 *
 * @throws Error that says in one line, without secrets, which setting is wrong and why.
 */
export function parseWebConfig(text: string): WebFile {
  const warnings: string[] = [];
  const warn = (warning: string): void => {
    warnings.push(warning);
  };
  const root = sectionOf(readYaml(text), '', [TLS, HTTP, USERS, RATE]);
  const http = sectionOf(root.get(HTTP), HTTP, ['http2', 'headers']);
  if (switchOf(http.get('http2'), `${HTTP}.http2`) === true) {
    warn(`${HTTP}.http2 is ignored: this exporter speaks HTTP/1.1 only`);
  }
  return {
    tls: tlsSettingsOf(root.get(TLS), warn),
    headers: headersOf(http.get('headers')),
    users: usersOf(root.get(USERS), warn),
    rateLimit: rateLimitOf(root.get(RATE)),
    warnings,
  };
}

/** The certificates and keys that a configuration names; none if it is invalid. */
export function filesNamedIn(config: string): readonly string[] {
  try {
    const { tls } = parseWebConfig(config);
    return [tls?.cert, tls?.key, tls?.clientCa].flatMap((pem) => (pem !== undefined && 'file' in pem ? pem.file : []));
  } catch {
    return [];
  }
}

function headersOf(value: unknown): Map<string, string> {
  const path = `${HTTP}.headers`;
  const headers = new Map<string, string>();
  for (const [name, inner] of sectionOf(value, path, Object.keys(HEADERS))) {
    const text = textOf(inner, `${path}.${name}`) ?? '';
    const allowed = HEADERS[name];
    if (allowed?.includes(text) === false) throw wrong(`${path}.${name}`, `expected ${allowed.join(' or ')}`);
    if (!/^[\t\u0020-\u007e]*$/.test(text)) throw wrong(`${path}.${name}`, 'more than one line, or not in ASCII');
    headers.set(name, text);
  }
  return headers;
}

function usersOf(value: unknown, warn: (text: string) => void): Map<string, string> {
  const users = new Map<string, string>();
  for (const [name, inner] of sectionOf(value, USERS)) {
    const hash = textOf(inner, `${USERS}.${name}`) ?? '';
    const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]);
    if (Number.isNaN(cost)) throw wrong(`${USERS}.${name}`, 'expected a bcrypt hash such as $2y$10$…');
    if (cost < 4 || cost > HIGHEST_COST) throw wrong(`${USERS}.${name}`, `cost is not from 4 to ${HIGHEST_COST}`);
    if (cost > SLOW_COST)
      warn(`${USERS}.${name}: at bcrypt cost ${cost} a first login takes long, which shows that there is this user`);
    users.set(name, hash);
  }
  return users;
}

import { readYaml } from './strict-yaml.ts';

/** What a web configuration file says, in the format of Prometheus' exporter-toolkit. */
export interface WebFile {
  /** `undefined`: plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** Headers to add to every response. */
  readonly headers: ReadonlyMap<string, string>;
  /** The bcrypt hash of each user's password. Without users nobody is asked for one. */
  readonly users: ReadonlyMap<string, string>;
  /** Whether HTTP/2 is asked for by name. */
  readonly http2: boolean;
}

/** The section `tls_server_config`. */
export interface TlsSettings {
  readonly cert: Pem;
  readonly key: Pem;
  readonly clientCa: Pem | undefined;
  readonly clientAuth: ClientAuth;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** A certificate or a key, and which setting it is from: in a file, or as text. */
export type Pem = { readonly setting: string } & ({ readonly file: string } | { readonly text: string });

/** What clients are asked for. */
export const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuth = (typeof CLIENT_AUTH)[number];

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

type Section = ReadonlyMap<string, unknown>;

const [TLS, HTTP, USERS] = ['tls_server_config', 'http_server_config', 'basic_auth_users'] as const;

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' };

/** The headers that can be set, and their values where not all are allowed. */
const HEADERS: Readonly<Record<string, readonly string[] | undefined>> = {
  'Strict-Transport-Security': undefined,
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': undefined,
  'Content-Security-Policy': undefined,
};

/** Settings of the toolkit that are not supported. Left out silently, some of them would let more people in. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  'rate_limit',
  `${TLS}.client_allowed_sans`,
  `${TLS}.cipher_suites`,
  `${TLS}.prefer_server_cipher_suites`,
  `${TLS}.curve_preferences`,
]);

/** bcrypt doubles its work with each step of the cost. At this one a comparison takes some seconds. */
const HIGHEST_COST = 16;

/**
 * Reads a web configuration file. Files that it names are not looked at.
 *
 *     tls_server_config: { cert_file: server.crt, key_file: server.key }
 *     http_server_config: { headers: { X-Frame-Options: deny } }
 *     basic_auth_users: { alice: $2y$10$… }
 *
 * @throws Error that says in one line, without secrets, which setting is wrong and why.
 */
export function parseWebConfig(text: string): WebFile {
  const root = sectionOf(readYaml(text), '', [TLS, HTTP, USERS]);
  const http = sectionOf(root.get(HTTP), HTTP, ['http2', 'headers']);
  return {
    tls: tlsOf(root.get(TLS)),
    headers: headersOf(http.get('headers')),
    users: usersOf(root.get(USERS)),
    http2: switchOf(http.get('http2'), `${HTTP}.http2`) ?? false,
  };
}

function sectionOf(value: unknown, path: string, known?: readonly string[]): Section {
  if (isAbsent(value)) return new Map();
  if (!(value instanceof Map)) throw wrong(path, 'expected settings with names');
  const section = new Map<string, unknown>();
  for (const [name, inner] of value) {
    if (typeof name !== 'string') throw wrong(path, 'a name is not text');
    const inside = path === '' ? name : `${path}.${name}`;
    if (UNSUPPORTED.has(inside)) throw wrong(inside, 'this setting is not supported here');
    if (known?.includes(name) === false) throw wrong(inside, `no such setting; there are: ${known.join(', ')}`);
    section.set(name, inner);
  }
  return section;
}

function tlsOf(value: unknown): TlsSettings | undefined {
  const pems = ['cert', 'key', 'client_ca'].flatMap((name) => [name, `${name}_file`]);
  const section = sectionOf(value, TLS, [...pems, 'client_auth_type', 'min_version', 'max_version']);
  const cert = pemOf(section, 'cert');
  const key = pemOf(section, 'key');
  const clientCa = pemOf(section, 'client_ca');
  const given = textOf(section.get('client_auth_type'), `${TLS}.client_auth_type`);
  const clientAuth = CLIENT_AUTH.find((type) => type === (given ?? 'NoClientCert'));
  if (clientAuth === undefined) throw wrong(`${TLS}.client_auth_type`, `expected ${CLIENT_AUTH.join(', ')}`);
  const minVersion = versionOf(section, 'min_version') ?? 'TLSv1.2';
  const maxVersion = versionOf(section, 'max_version') ?? 'TLSv1.3';
  if (minVersion > maxVersion) throw wrong(`${TLS}.min_version`, 'higher than max_version');
  if (cert === undefined && key === undefined && clientCa === undefined && given === undefined) return undefined;

  if (cert === undefined) throw wrong(TLS, 'cert_file or cert is missing');
  if (key === undefined) throw wrong(TLS, 'key_file or key is missing');
  if (clientCa !== undefined && clientAuth === 'NoClientCert') {
    throw wrong(clientCa.setting, 'without a client_auth_type it would check nobody');
  }
  if (clientCa === undefined && clientAuth.includes('Verify')) {
    throw wrong(`${TLS}.client_auth_type`, `${clientAuth} needs client_ca_file`);
  }
  return { cert, key, clientCa, clientAuth, minVersion, maxVersion };
}

function pemOf(section: Section, name: string): Pem | undefined {
  const settings = { file: `${TLS}.${name}_file`, text: `${TLS}.${name}` };
  const file = textOf(section.get(`${name}_file`), settings.file);
  const text = textOf(section.get(name), settings.text);
  if (file !== undefined && text !== undefined) throw wrong(settings.file, `${name} is given too`);
  if (file !== undefined) return { setting: settings.file, file };
  return text === undefined ? undefined : { setting: settings.text, text };
}

function versionOf(section: Section, name: string): TlsVersion | undefined {
  const text = textOf(section.get(name), `${TLS}.${name}`);
  const version = TLS_VERSIONS[text ?? ''];
  if (text !== undefined && version === undefined)
    throw wrong(`${TLS}.${name}`, `expected ${Object.keys(TLS_VERSIONS).join(' or ')}`);
  return version;
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

function usersOf(value: unknown): Map<string, string> {
  const users = new Map<string, string>();
  for (const [name, inner] of sectionOf(value, USERS)) {
    const hash = textOf(inner, `${USERS}.${name}`) ?? '';
    const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]);
    if (Number.isNaN(cost)) throw wrong(`${USERS}.${name}`, 'expected a bcrypt hash such as $2y$10$…');
    if (cost < 4 || cost > HIGHEST_COST) throw wrong(`${USERS}.${name}`, `cost is not from 4 to ${HIGHEST_COST}`);
    users.set(name, hash);
  }
  return users;
}

function switchOf(value: unknown, path: string): boolean | undefined {
  const text = textOf(value, path);
  if (text === undefined) return undefined;
  if (/^(true|yes|on)$/i.test(text)) return true;
  if (/^(false|no|off)$/i.test(text)) return false;
  throw wrong(path, 'expected true or false');
}

function textOf(value: unknown, path: string): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string') throw wrong(path, 'expected one value');
  return value;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === '~' || value === 'null';
}

function wrong(path: string, why: string): Error {
  return new Error(path === '' ? why : `${path}: ${why}`);
}

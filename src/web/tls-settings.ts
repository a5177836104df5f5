import { namesOf, sectionOf, type Section, switchOf, textOf, textsOf, wrong } from '../config-files/config-section.ts';

/** The section `tls_server_config`. */
export interface TlsSettings {
  readonly cert: Pem;
  readonly key: Pem;
  readonly clientCa: Pem | undefined;
  readonly clientAuth: ClientAuth;
  /** A client's certificate must have one of these subject alternative names; `undefined`: any certificate is accepted. */
  readonly clientAllowedSans: readonly string[] | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Names of OpenSSL, best first; empty: the defaults of Node.js. */
  readonly cipherSuites: readonly string[];
  /** Names of OpenSSL, best first; empty: the defaults of Node.js. */
  readonly curves: readonly string[];
  readonly serverPrefersItsCiphers: boolean;
}

/** A certificate or a key, in a file or as text, and the setting that it comes from. */
export type Pem = { readonly setting: string } & ({ readonly file: string } | { readonly text: string });

/** Whether clients must present a certificate, and whether it is verified. */
export const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuth = (typeof CLIENT_AUTH)[number];

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

const TLS = 'tls_server_config';

/** The toolkit accepts older versions, which OpenSSL 3 does not offer. As a minimum they are raised to 1.2. */
const OLD_VERSIONS: ReadonlySet<string> = new Set(['TLS10', 'TLS11']);
const VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ['TLS12', 'TLSv1.2'],
  ['TLS13', 'TLSv1.3'],
]);

/** The cipher suites of Go's `crypto/tls.CipherSuites()`, by the names that OpenSSL has for them. */
const CIPHER_SUITES: ReadonlyMap<string, string> = new Map([
  ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
  ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
]);

const CURVES: ReadonlyMap<string, string> = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
]);

const SETTINGS = [
  ...['cert', 'key', 'client_ca'].flatMap((name) => [name, `${name}_file`]),
  'client_auth_type',
  'client_allowed_sans',
  'min_version',
  'max_version',
  'cipher_suites',
  'prefer_server_cipher_suites',
  'curve_preferences',
];

/**
 * Reads `tls_server_config`; `undefined` means plain HTTP.
 *
 * @param warn receives each setting that is accepted, but has less effect than in the toolkit.
 * @throws Error in one line, without secrets.
 */
export function tlsSettingsOf(value: unknown, warn: (text: string) => void): TlsSettings | undefined {
  const section = sectionOf(value, TLS, SETTINGS);
  const cert = pemOf(section, 'cert');
  const key = pemOf(section, 'key');
  const clientCa = pemOf(section, 'client_ca');
  const given = textOf(section.get('client_auth_type'), `${TLS}.client_auth_type`);
  const clientAuth = clientAuthOf(given ?? 'NoClientCert');
  const settings = {
    clientCa,
    clientAuth,
    clientAllowedSans: sansOf(section, clientAuth),
    ...versionsOf(section, warn),
    cipherSuites: namesOf(section.get('cipher_suites'), `${TLS}.cipher_suites`, CIPHER_SUITES),
    curves: namesOf(section.get('curve_preferences'), `${TLS}.curve_preferences`, CURVES),
    serverPrefersItsCiphers:
      switchOf(section.get('prefer_server_cipher_suites'), `${TLS}.prefer_server_cipher_suites`) ?? true,
  };
  if (cert === undefined && key === undefined && clientCa === undefined && given === undefined) return undefined;

  if (cert === undefined) throw wrong(TLS, 'cert_file or cert is missing');
  if (key === undefined) throw wrong(TLS, 'key_file or key is missing');
  if (clientCa !== undefined && clientAuth === 'NoClientCert') {
    throw wrong(clientCa.setting, 'without a client_auth_type it has no effect');
  }
  if (clientCa === undefined && clientAuth.includes('Verify')) {
    // Go does the same, but with the authorities of the system. Node.js uses those that it ships.
    warn(`${TLS}.client_auth_type: ${clientAuth} without client_ca_file accepts a certificate of any public authority`);
  }
  return { cert, key, ...settings };
}

function clientAuthOf(name: string): ClientAuth {
  // An older name, which the toolkit still accepts.
  const found = CLIENT_AUTH.find((type) => type === (name === 'RequireClientCert' ? 'RequireAnyClientCert' : name));
  if (found === undefined) throw wrong(`${TLS}.client_auth_type`, `expected ${CLIENT_AUTH.join(', ')}`);
  return found;
}

function sansOf(section: Section, clientAuth: ClientAuth): readonly string[] | undefined {
  const path = `${TLS}.client_allowed_sans`;
  const sans = textsOf(section.get('client_allowed_sans'), path);
  if (sans?.length === 0) throw wrong(path, 'an empty list would reject every client');
  if (sans !== undefined && clientAuth === 'NoClientCert') {
    throw wrong(path, 'without a client_auth_type it has no effect');
  }
  return sans;
}

function versionsOf(
  section: Section,
  warn: (text: string) => void,
): { readonly minVersion: TlsVersion; readonly maxVersion: TlsVersion } {
  const lowest = textOf(section.get('min_version'), `${TLS}.min_version`) ?? 'TLS12';
  const highest = textOf(section.get('max_version'), `${TLS}.max_version`) ?? 'TLS13';
  if (OLD_VERSIONS.has(lowest)) warn(`${TLS}.min_version: ${lowest} is not offered; TLS12 is the minimum`);
  const minVersion = VERSIONS.get(OLD_VERSIONS.has(lowest) ? 'TLS12' : lowest);
  const maxVersion = VERSIONS.get(highest);
  if (minVersion === undefined) throw wrong(`${TLS}.min_version`, 'expected TLS10, TLS11, TLS12 or TLS13');
  if (maxVersion === undefined) throw wrong(`${TLS}.max_version`, 'expected TLS12 or TLS13');
  if (minVersion > maxVersion) throw wrong(`${TLS}.min_version`, 'higher than max_version');
  return { minVersion, maxVersion };
}

function pemOf(section: Section, name: string): Pem | undefined {
  const settings = { file: `${TLS}.${name}_file`, text: `${TLS}.${name}` };
  const file = textOf(section.get(`${name}_file`), settings.file);
  const text = textOf(section.get(name), settings.text);
  if (file !== undefined && text !== undefined) throw wrong(settings.file, `${name} is given too`);
  if (file !== undefined) return { setting: settings.file, file };
  return text === undefined ? undefined : { setting: settings.text, text };
}

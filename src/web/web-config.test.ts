import { describe, expect, test } from 'vitest';
import { parseWebConfig } from './web-config.ts';

const HASH = `$2y$10$${'a'.repeat(53)}`;
const TLS = 'tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n';

test.each(['', '\n# nothing\n', '{}', 'tls_server_config:\nhttp_server_config: {}\nbasic_auth_users: null\n'])(
  '%j asks for nothing',
  (text) => {
    expect(parseWebConfig(text)).toEqual({
      tls: undefined,
      headers: new Map(),
      users: new Map(),
      rateLimit: undefined,
      warnings: [],
    });
  },
);

test('reads everything', () => {
  const text = `${TLS}  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /etc/ca.crt
  min_version: TLS13
  max_version: TLS13
  client_allowed_sans: [prometheus, spiffe://a/b]
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP521, X25519]
rate_limit: {interval: 1s, burst: 20}
http_server_config:
  http2: yes
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=60
basic_auth_users:
  alice: ${HASH}
  no: '${HASH}'
  0x10: ${HASH}
  __proto__: ${HASH}
`;
  expect(parseWebConfig(text)).toEqual({
    tls: {
      cert: { setting: 'tls_server_config.cert_file', file: 'a.crt' },
      key: { setting: 'tls_server_config.key_file', file: 'a.key' },
      clientCa: { setting: 'tls_server_config.client_ca_file', file: '/etc/ca.crt' },
      clientAuth: 'RequireAndVerifyClientCert',
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      clientAllowedSans: ['prometheus', 'spiffe://a/b'],
      cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_AES_128_GCM_SHA256'],
      serverPrefersItsCiphers: false,
      curves: ['P-521', 'X25519'],
    },
    rateLimit: { interval: 1000, burst: 20 },
    headers: new Map([
      ['X-Frame-Options', 'deny'],
      ['Strict-Transport-Security', 'max-age=60'],
    ]),
    users: new Map(['alice', 'no', '0x10', '__proto__'].map((name) => [name, HASH])),
    warnings: ['http_server_config.http2 is ignored: this exporter speaks HTTP/1.1 only'],
  });
});

test('reads certificates as text', () => {
  const { tls } = parseWebConfig('tls_server_config:\n  cert: |\n    a\n    b\n  key: c\n');
  expect(tls).toMatchObject({
    cert: { text: 'a\nb\n' },
    key: { text: 'c' },
    clientAuth: 'NoClientCert',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  });
});

test.each([
  [`basic_auth_users: {alice: ${HASH.replace('10', '14')}}`, []],
  [
    `basic_auth_users: {alice: ${HASH.replace('10', '31')}}`,
    [/^basic_auth_users\.alice: at bcrypt cost 31 a first login/],
  ],
  [`${TLS}  min_version: TLS10`, [/^tls_server_config\.min_version: TLS10 is not offered; TLS12 is the minimum$/]],
  ['http_server_config: {http2: false}', []],
  [
    `${TLS}  client_auth_type: RequireAndVerifyClientCert`,
    [/RequireAndVerifyClientCert without client_ca_file accepts/],
  ],
])('%j is accepted with %j', (text, expected) => {
  const { warnings } = parseWebConfig(text);
  expect(warnings).toEqual(expected.map((message) => expect.stringMatching(message)));
});

test('an older name of a client_auth_type is accepted', () => {
  expect(parseWebConfig(`${TLS}  client_auth_type: RequireClientCert`).tls?.clientAuth).toBe('RequireAnyClientCert');
});

describe('what is wrong', () => {
  test.each([
    [
      'tls: {}',
      /^tls: no such setting; there are: tls_server_config, http_server_config, basic_auth_users, rate_limit$/,
    ],
    [
      'http_server_config: {headers: {x-frame-options: deny}}',
      /^http_server_config\.headers\.x-frame-options: no such/,
    ],
    ['http_server_config: {headers: {X-Frame-Options: DENY}}', /X-Frame-Options: expected deny or sameorigin$/],
    ['http_server_config: {headers: {X-Frame-Options: }}', /X-Frame-Options: expected deny or sameorigin$/],
    ['http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb"}}', /X-XSS-Protection: more than one line/],
    ['http_server_config: {http2: maybe}', /^http_server_config\.http2: expected true or false$/],
    ['http_server_config: {http3: true}', /^http_server_config\.http3: no such setting; there are: http2, headers$/],
    ['rate_limit: {burst: secret}', /^rate_limit\.burst: expected a whole number$/],
    [`${TLS}  client_allowed_sans: [a]`, /^tls_server_config\.client_allowed_sans: without a client_auth_type it has/],
    [`${TLS}  client_auth_type: RequestClientCert\n  client_allowed_sans: []`, /client_allowed_sans: an empty list/],
    [`${TLS}  client_auth_type: RequestClientCert\n  client_allowed_sans: a`, /client_allowed_sans: expected a list$/],
    [`${TLS}  client_auth_type: RequestClientCert\n  client_allowed_sans: [[a]]`, /sans: expected one value$/],
    [`${TLS}  client_auth_type: RequestClientCert\n  client_allowed_sans: ['']`, /sans: an entry is empty$/],
    [
      `${TLS}  cipher_suites: [TLS_secret]`,
      /^tls_server_config\.cipher_suites: expected some of TLS_AES_128_GCM_SHA256, /,
    ],
    [`${TLS}  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]`, /^tls_server_config\.cipher_suites: expected some of/],
    [`${TLS}  curve_preferences: [P256]`, /^tls_server_config\.curve_preferences: expected some of CurveP256, /],
    [`${TLS}  prefer_server_cipher_suites: maybe`, /prefer_server_cipher_suites: expected true or false$/],
    [`${TLS}  max_version: TLS11`, /^tls_server_config\.max_version: expected TLS12 or TLS13$/],
    [`${TLS}  cert: x`, /^tls_server_config\.cert_file: cert is given too$/],
    ['tls_server_config: {cert_file: a}', /^tls_server_config: key_file or key is missing$/],
    ['tls_server_config: {key: a}', /^tls_server_config: cert_file or cert is missing$/],
    ['tls_server_config: {client_auth_type: NoClientCert}', /^tls_server_config: cert_file or cert is missing$/],
    [`${TLS}  min_version: TLS14`, /^tls_server_config\.min_version: expected TLS10, TLS11, TLS12 or TLS13$/],
    [`${TLS}  min_version: TLS13\n  max_version: TLS12`, /^tls_server_config\.min_version: higher than max_version$/],
    [`${TLS}  client_auth_type: Verify`, /^tls_server_config\.client_auth_type: expected NoClientCert, /],
    [`${TLS}  client_ca_file: a`, /^tls_server_config\.client_ca_file: without a client_auth_type/],
    ['basic_auth_users: {alice: secret}', /^basic_auth_users\.alice: expected a bcrypt hash such as/],
    ['basic_auth_users: {alice: }', /^basic_auth_users\.alice: expected a bcrypt hash/],
    ['basic_auth_users: {alice: [secret]}', /^basic_auth_users\.alice: expected one value$/],
    [`basic_auth_users: {alice: ${HASH.replace('10', '03')}}`, /^basic_auth_users\.alice: cost is not from 4 to 31$/],
    [`basic_auth_users: {alice: ${HASH.replace('10', '32')}}`, /^basic_auth_users\.alice: cost is not from 4 to 31$/],
    ['basic_auth_users: alice', /^basic_auth_users: expected settings with names$/],
    ['[]', /^expected settings with names$/],
    ['? [a]\n: b', /^expected settings whose names are text$/],
    [`basic_auth_users:\n  alice: ${HASH}\n  alice: ${HASH}\n`, /^line 3: a key appears twice$/],
    ['basic_auth_users:\n  alice: "secret', /^line 2: invalid YAML/],
    ['tls_server_config:\n\tkey: secret', /^line 2: invalid YAML/],
    ['a: *secret', /^invalid YAML \(an alias/],
    ['a: !secret b', /^line 1: invalid YAML/],
    ['--- {}\n--- {}', /^line 2: invalid YAML/],
  ])('%j', (text, message) => {
    let said = '';
    try {
      parseWebConfig(text);
    } catch (error) {
      said = error instanceof Error ? error.message : '';
    }
    expect(said).toMatch(message);
    expect(said).not.toMatch(/secret|\n/);
  });
});

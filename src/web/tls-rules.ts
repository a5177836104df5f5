import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { ClientAuth, Pem, TlsSettings } from './tls-settings.ts';

/** Validated certificates, and the requirements for clients. */
export interface TlsRules {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuth;
  /** A client's certificate must have one of these subject alternative names; `undefined`: any certificate is accepted. */
  readonly clientAllowedSans: ReadonlySet<string> | undefined;
}

/** An invalid file fails here, not at the first handshake. Errors name the setting and never show a key. */
export function createTlsRules(settings: TlsSettings, read: (pem: Pem) => string): TlsRules {
  const { clientAuth, minVersion, maxVersion, clientCa } = settings;
  const cert = read(settings.cert);
  const key = read(settings.key);
  const ca = clientCa === undefined ? undefined : read(clientCa);
  const [certificate] = certificatesIn(settings.cert, cert);
  const privateKey = checked(settings.key, 'not a private key in PEM without a passphrase', () =>
    createPrivateKey(key),
  );
  if (certificate?.checkPrivateKey(privateKey) !== true) {
    throw new Error(`${settings.key.setting}: does not match the certificate`);
  }
  if (clientCa !== undefined) certificatesIn(clientCa, ca ?? '');
  const context = {
    cert,
    key,
    minVersion,
    maxVersion,
    ...(ca === undefined ? {} : { ca }),
    ...(settings.cipherSuites.length === 0 ? {} : { ciphers: ciphersOf(settings) }),
    ...(settings.curves.length === 0 ? {} : { ecdhCurve: settings.curves.join(':') }),
    honorCipherOrder: settings.serverPrefersItsCiphers,
  };
  checked(settings.cert, 'OpenSSL does not accept it', () => createSecureContext(context));
  const { clientAllowedSans: sans } = settings;
  return { context, clientAuth, clientAllowedSans: sans === undefined ? undefined : new Set(sans) };
}

/** As in Go, the list applies to TLS 1.2: all suites of TLS 1.3 are always on. A list without any suite of 1.2 disables 1.2. */
function ciphersOf({ cipherSuites }: TlsSettings): string {
  const before13 = cipherSuites.filter((name) => !name.startsWith('TLS_'));
  return (before13.length > 0 ? before13 : cipherSuites).join(':');
}

/** OpenSSL silently stops at the first certificate that it cannot read. */
function certificatesIn(pem: Pem, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.match(/-----BEGIN /g)?.length ?? 0;
  const what = 'not a certificate in PEM';
  if (blocks.length === 0) throw new Error(`${pem.setting}: ${what}`);
  if (pem.setting.includes('client_ca') && blocks.length < begun) {
    throw new Error(`${pem.setting}: contains something other than PEM certificates`);
  }
  return blocks.map((block) => checked(pem, what, () => new X509Certificate(block)));
}

function checked<T>(pem: Pem, what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new Error(`${pem.setting}: ${what}`, { cause: error });
  }
}

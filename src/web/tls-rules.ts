import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { ClientAuth, Pem, TlsSettings } from './web-config.ts';

/** Checked certificates, and what is asked of clients. */
export interface TlsRules {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuth;
}

/** A wrong file fails here and not at the first handshake. The errors name the setting and tell nothing of a key. */
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
    throw new Error(`${settings.key.setting}: not the key of the certificate`);
  }
  if (clientCa !== undefined) certificatesIn(clientCa, ca ?? '');
  const context = { cert, key, minVersion, maxVersion, ...(ca === undefined ? {} : { ca }) };
  checked(settings.cert, 'OpenSSL does not accept it', () => createSecureContext(context));
  return { context, clientAuth };
}

/** OpenSSL stops at the first certificate that it cannot read, and says nothing. */
function certificatesIn(pem: Pem, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.match(/-----BEGIN /g)?.length ?? 0;
  const what = 'not a certificate in PEM';
  if (blocks.length === 0) throw new Error(`${pem.setting}: ${what}`);
  if (pem.setting.includes('client_ca') && blocks.length < begun) {
    throw new Error(`${pem.setting}: not only certificates in PEM`);
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

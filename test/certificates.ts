import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether openssl is available. */
export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

/** The paths of a certificate and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Creates a certificate that is valid for a day, signed by `issuer` or by itself.
 *
 * @param names its subject alternative names, if it has an issuer: `DNS:a,URI:spiffe://b`.
 */
export function makeCertificate(folder: string, name: string, issuer?: Certificate, names = ''): Certificate {
  const [cert, key, request] = [`${name}.crt`, `${name}.key`, `${name}.csr`].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  const run = (...options: string[]): unknown => execFileSync('openssl', options, { stdio: 'pipe' });
  const fresh = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`];
  if (issuer === undefined) {
    run(...fresh, '-x509', '-days', '1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert);
  } else {
    run(...fresh, '-keyout', key, '-out', request);
    const signed = ['-CA', issuer.cert, '-CAkey', issuer.key, '-CAcreateserial', '-days', '1', '-out', cert];
    const extensions = join(folder, `${name}.ext`);
    writeFileSync(extensions, names === '' ? '' : `subjectAltName=${names}\n`);
    run('x509', '-req', '-in', request, ...signed, '-extfile', extensions);
  }
  return { cert, key };
}

import { isIPv6 } from 'node:net';

/**
 * Splits the subject alternative names of a certificate, as Node.js prints them, into those that exporter-toolkit compares:
 *
 *     DNS:prometheus.example, IP Address:0:0:0:0:0:0:0:1, URI:"spiffe://a/b,c", email:ops@example.org
 *
 * IPv6 addresses come in their short form, as Go has them. A value with a comma is in quotes, as JSON; entries of other kinds
 * are skipped. Parsing stops where the text has another form: a client can put anything into its certificate.
 */
export function alternativeNames(subjectAltName: string | undefined): readonly string[] {
  const entries = (subjectAltName ?? '').matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=$|, )/gy);
  return [...entries].flatMap(([, kind = '', value = '']) => {
    const text = value.startsWith('"') ? unquoted(value) : value;
    if (text === undefined || !['DNS', 'IP Address', 'URI', 'email'].includes(kind)) return [];
    return [kind === 'IP Address' && isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text];
  });
}

function unquoted(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    return undefined;
  }
}

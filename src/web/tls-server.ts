import { createServer } from 'node:https';
import type { Server, ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { alternativeNames } from './alternative-names.ts';
import type { CurrentRules } from './web-rules.ts';
import type { TlsRules } from './tls-rules.ts';

/** Creates an HTTPS server that applies new rules from the next connection. */
export function createTlsServer(options: ServerOptions, rules: CurrentRules, initial: TlsRules): Server {
  let inForce = initial;
  const server = createServer({ ...options, ...initial.context, ...asked(initial) });
  // Runs before Node's listeners, so that the new rules apply to this connection.
  server.prependListener('connection', () => {
    const { tls = inForce } = rules.current();
    if (tls === inForce) return;
    inForce = tls;
    server.setSecureContext(tls.context);
    // Node reads these two fields at each connection, but has no method to set them. If that changes, clients that must
    // present a certificate are rejected below.
    Object.assign(server, asked(tls));
  });
  server.prependListener('secureConnection', (socket) => {
    if (!isWelcome(socket, inForce)) socket.destroy();
  });
  return server;
}

function asked({ clientAuth }: TlsRules): { readonly requestCert: boolean; readonly rejectUnauthorized: boolean } {
  return {
    requestCert: clientAuth !== 'NoClientCert',
    rejectUnauthorized: clientAuth === 'RequireAndVerifyClientCert',
  };
}

/**
 * Whether a client has presented the required certificate. `authorized` alone is not enough: Node also sets it when a client
 * without a certificate resumes a TLS 1.3 session.
 */
function isWelcome(socket: TLSSocket, { clientAuth, clientAllowedSans }: TlsRules): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined)
    return clientAuth !== 'RequireAnyClientCert' && clientAuth !== 'RequireAndVerifyClientCert';
  if (clientAllowedSans !== undefined) {
    const names = alternativeNames(certificate.subjectAltName);
    if (!names.some((name) => clientAllowedSans.has(name))) return false;
  }
  return clientAuth.includes('Verify') ? socket.authorized : true;
}

import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** `cn`: common name of the subject; `san`: first DNS name, mail address or URI of the alternative names. */
export type CertificateUser = 'cn' | 'san' | 'off';

/** A client certificate's user, or why there is none. */
export type CertificateIdentity = { user: string } | { user: null; fault: string | null };

/**
 * The user that a verified client certificate stands for. `fault` is null where the client showed none at all.
 * `now`: wall ms; a resumed TLS session does not look at the dates again, so this does.
 */
export function certificateIdentity(socket: Duplex, from: CertificateUser, now: number): CertificateIdentity {
  if (from === 'off' || !(socket instanceof TLSSocket)) return { user: null, fault: null };
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { user: null, fault: null };
  if (!socket.authorized) return { user: null, fault: String(socket.authorizationError ?? 'not verified') };
  if (now > Date.parse(certificate.validTo) || now < Date.parse(certificate.validFrom)) return { user: null, fault: 'CERT_HAS_EXPIRED' };
  const user = from === 'cn' ? commonName(socket) : alternativeName(certificate.subjectAltName ?? '');
  if (user === null) return { user: null, fault: from === 'cn' ? 'no single common name' : 'no usable alternative name' };
  return { user };
}

/** A subject with several common names says nothing certain; node gives a list then. */
function commonName(socket: TLSSocket): string | null {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? usable(name) : null;
}

/** Node's form is `DNS:a.example, URI:"with, a comma"`: an odd value is quoted as in JSON. */
export function alternativeName(text: string): string | null {
  const entry = /(?:^|, )(?:DNS|email|URI):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/.exec(text);
  if (entry === null) return null;
  const value = entry[1]!;
  try {
    return usable(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  } catch {
    return null;
  }
}

/** What can be a user name in CONNECT. */
function usable(name: string): string | null {
  return name === '' || name.length > 256 || /\p{Cc}/u.test(name) ? null : name;
}

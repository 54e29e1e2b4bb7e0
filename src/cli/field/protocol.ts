import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { FerruleError } from '../../errors.js';

/** Whether an address of a web console is meant with http or https, found out before a password goes there. */

const TIMEOUT_MS = 5000;
/** Anything that is answered, without a login too. */
const PATH = '/api/v1/session';
/** What comes of the wrong protocol; the words are those of OpenSSL and of the parser of HTTP. */
const WRONG_PROTOCOL = /^(EPROTO|ECONNRESET|EPIPE|ERR_SSL_.*|HPE_.*)$/;

type Answer = { status: number; location: string } | { code: string };

/**
 * Rejects with FER_CLI_GATEWAY where the other protocol is spoken there. What else may be wrong (nobody there, a certificate)
 * is left to who asks in earnest.
 */
export async function refuseWrongProtocol(url: URL): Promise<void> {
  const answer = await knock(url);
  const other = new URL(url);
  other.protocol = url.protocol === 'https:' ? 'http:' : 'https:';
  if (url.protocol === 'http:' && 'location' in answer && answer.status >= 301 && /^https:/.test(answer.location)) throw wrong(url, other);
  // Servers that take no plain requests answer them with 400, or hang up.
  const isDoubtful = 'code' in answer ? WRONG_PROTOCOL.test(answer.code) : url.protocol === 'http:' && answer.status === 400;
  if (isDoubtful && 'status' in (await knock(other))) throw wrong(url, other);
}

function wrong(url: URL, other: URL): FerruleError {
  const open = 'the password and all that is asked then go over the network unencrypted';
  const [speaks, why] = other.protocol === 'http:' ? ['plain http, without TLS', `; ${open}`] : ['https', ''];
  return new FerruleError('FER_CLI_GATEWAY', `${url.origin} can not be asked: ${url.host} speaks ${speaks}.`, {
    hint: `Write --url ${other.origin}${why}.`,
  });
}

function knock(url: URL): Promise<Answer> {
  return new Promise((resolve) => {
    const options = { method: 'GET', agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS), path: PATH };
    const request = url.protocol === 'https:' ? httpsRequest(url, { ...options, rejectUnauthorized: false }) : httpRequest(url, options);
    request.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '' });
      response.destroy();
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? '' }));
    request.end();
  });
}

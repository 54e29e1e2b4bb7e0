import type { FastifyRequest } from 'fastify';
import { FerruleError } from '../errors.js';
import { roleAllows } from './accounts.js';
import type { RouteContext } from './http.js';
import { LOCAL_LOGIN } from './local-socket.js';
import { sameText } from './passwords.js';

export const CSRF_HEADER = 'x-ferrule-csrf';
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `__Host-`: browsers take it only over HTTPS, for this host alone. */
export function cookieName(secure: boolean): string {
  return secure ? '__Host-ferrule' : 'ferrule';
}

/** Lets a request of the API through, or throws. Sets `request.login`. */
export function guard(request: FastifyRequest, context: RouteContext): void {
  if (request.is404) return;
  const access = request.routeOptions.config.access;
  if (access === undefined)
    throw new FerruleError('FER_INTERNAL', `the route ${request.routeOptions.url ?? ''} does not say who may use it`);
  const changing = !READING.has(request.method);
  if (changing) refuseForeignOrigin(request);
  if (context.local.has(request.raw)) {
    request.login = LOCAL_LOGIN;
    return;
  }
  const secret = request.cookies[cookieName(context.secure)];
  request.login = secret === undefined ? null : context.logins.find(secret);
  if (access === 'public') return;
  if (!context.claim.claimed) {
    throw new FerruleError('FER_CONSOLE_UNCLAIMED', 'This gateway has not been claimed yet.', {
      hint: 'Open the web console and enter the setup code that the gateway prints at its start.',
    });
  }
  if (request.login === null) {
    throw new FerruleError('FER_CONSOLE_LOGIN_REQUIRED', 'You are not logged in, or your login has ended.', { hint: 'Log in.' });
  }
  if (changing) refuseWithoutToken(request, request.login.csrf);
  if (!roleAllows(request.login.role, access)) {
    throw new FerruleError('FER_CONSOLE_FORBIDDEN', `This needs the role ${access}; yours is ${request.login.role}.`);
  }
}

/** A page of another origin may make a browser send a request, but not with these headers of our own origin. */
function refuseForeignOrigin(request: FastifyRequest): void {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  const foreign =
    (origin !== undefined && originHost(origin) !== host) || (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (foreign) throw new FerruleError('FER_CONSOLE_CSRF', 'The request comes from a page of another origin.');
}

function originHost(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function refuseWithoutToken(request: FastifyRequest, expected: string): void {
  const token = request.headers[CSRF_HEADER];
  if (typeof token !== 'string' || !sameText(token, expected)) {
    throw new FerruleError('FER_CONSOLE_CSRF', `The header ${CSRF_HEADER} is missing or wrong.`, {
      hint: 'Send the `csrf` that GET /api/v1/session answers with.',
    });
  }
}

import type { FastifyReply } from 'fastify';
import { FerruleError } from '../../errors.js';
import { type Static, Type } from '../../schema-types.js';
import { Session } from '../api-schemas.js';
import { cookieName } from '../guard.js';
import { type App, answers, Nothing, type RouteContext, ref } from '../http.js';
import type { Login } from '../logins.js';
import { MAX_PASSWORD_LENGTH } from '../passwords.js';

/** Each of these costs a hash of 32 MiB; a person needs a few. */
export const LOGIN_RATE = { max: 30, timeWindow: 60_000 };

export async function startLogin(username: string, reply: FastifyReply, context: RouteContext): Promise<Login> {
  const { secret, login } = await context.logins.start(username);
  reply.setCookie(cookieName(context.secure), secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: context.secure,
    maxAge: 30 * 86_400,
  });
  return login;
}

export function describeLogin(login: Login): Static<typeof Session> {
  const { username, role, csrf, expiresAt } = login;
  return { username, role, csrf, expiresAt };
}

export function sessionRoutes(app: App, context: RouteContext): void {
  app.post(
    '/session',
    {
      config: { access: 'public', rateLimit: LOGIN_RATE },
      schema: {
        operationId: 'login',
        tags: ['session'],
        summary: 'Log in.',
        body: Type.Object(
          {
            username: Type.String({ minLength: 1, maxLength: 64 }),
            password: Type.String({ minLength: 1, maxLength: MAX_PASSWORD_LENGTH }),
          },
          { additionalProperties: false },
        ),
        response: answers({ 201: ref(Session) }),
      },
    },
    async (request, reply) => {
      if (!context.claim.claimed) throw new FerruleError('FER_CONSOLE_UNCLAIMED', 'This gateway has not been claimed yet.');
      const { username, password } = request.body;
      const key = `login ${request.ip} ${username}`;
      context.attempts.begin(key);
      if ((await context.accounts.verify(username, password)) === null) {
        context.log.warn({ username, address: request.ip }, 'a login failed');
        throw new FerruleError('FER_CONSOLE_LOGIN_FAILED', 'User name or password is wrong.');
      }
      context.attempts.succeeded(key);
      const login = await startLogin(username, reply, context);
      return reply.status(201).send(describeLogin(login));
    },
  );

  app.get(
    '/session',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getSession',
        tags: ['session'],
        summary: 'Who is logged in, and the token for changing requests.',
        response: answers({ 200: ref(Session) }),
      },
    },
    (request) => describeLogin(loginOf(request)),
  );

  app.delete(
    '/session',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'logout', tags: ['session'], summary: 'Log out.', response: answers({ 204: Nothing }) },
    },
    async (request, reply) => {
      await context.logins.end(loginOf(request).id);
      reply.clearCookie(cookieName(context.secure), { path: '/', httpOnly: true, sameSite: 'strict', secure: context.secure });
      return reply.status(204).send(null);
    },
  );
}

/** The login of a request to a route that the guard lets nobody into without one. */
export function loginOf(request: { login: Login | null }): Login {
  if (request.login === null) throw new FerruleError('FER_CONSOLE_LOGIN_REQUIRED', 'You are not logged in.');
  return request.login;
}

import { Type } from '../../schema-types.js';
import { Ban } from '../api-schemas.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

export function banRoutes(app: App, context: RouteContext): void {
  const { broker } = context.ports;

  app.get(
    '/bans',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'listBans',
        tags: ['bans'],
        summary: 'Who may not connect over MQTT: bans that people set, and those that failed logins have led to.',
        response: answers({ 200: Type.Object({ bans: Type.Array(ref(Ban)) }) }),
      },
    },
    () => ({ bans: broker.bans() }),
  );

  app.post(
    '/bans',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'addBan',
        tags: ['bans'],
        summary: 'Ban a client, a user or an address. Connections that this concerns end at once.',
        body: Type.Object(
          {
            kind: Type.Union([Type.Literal('client'), Type.Literal('user'), Type.Literal('address')]),
            value: Type.String({
              minLength: 1,
              maxLength: 1024,
              description: 'Client id, user name, address, or range such as 192.0.2.0/24.',
            }),
            reason: Type.Optional(Type.String({ maxLength: 500, description: 'For people; clients are not told.' })),
            seconds: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 315_360_000, description: 'How long it lasts; missing: until it is lifted.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: ref(Ban) }),
      },
    },
    async (request) => {
      const { kind, value, reason = '', seconds } = request.body;
      const { username } = loginOf(request);
      const expiresAt = seconds === undefined ? null : context.clock.now() + seconds * 1000;
      const ban = await broker.ban({ kind, value, reason: reason.trim() === '' ? null : reason.trim(), expiresAt, by: username });
      context.log.info({ username, kind, value: ban.value, reason: ban.reason, expiresAt }, 'a ban was set from the console');
      return ban;
    },
  );

  app.delete(
    '/bans/:id',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'liftBan',
        tags: ['bans'],
        summary: 'Lift a ban; of one that failed logins led to, they are forgotten too.',
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 4096 }) }),
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const found = broker.bans().find((ban) => ban.id === id);
      if (!(await broker.liftBan(id))) throw notFound('There is no such ban (any more).', id);
      const { username } = loginOf(request);
      context.log.info({ username, kind: found?.kind, value: found?.value }, 'a ban was lifted from the console');
      return reply.status(204).send(null);
    },
  );
}

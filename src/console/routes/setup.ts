import { Type } from '../../schema-types.js';
import { Session } from '../api-schemas.js';
import { type App, answers, type RouteContext, ref } from '../http.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../passwords.js';
import { describeLogin, LOGIN_RATE, startLogin } from './session.js';

const Username = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\s\\u0000-\\u001f\\u007f]+$', description: 'No spaces.' });

export function setupRoutes(app: App, context: RouteContext): void {
  app.get(
    '/setup',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getSetup',
        tags: ['setup'],
        summary: 'Has the gateway been claimed?',
        response: answers({
          200: Type.Object({
            claimed: Type.Boolean(),
            gateway: Type.Object({ id: Type.String(), name: Type.String(), version: Type.String(), demo: Type.Boolean() }),
            minPasswordLength: Type.Integer(),
          }),
        }),
      },
    },
    () => {
      const { id, name, version, demo } = context.ports.gateway;
      return { claimed: context.claim.claimed, gateway: { id, name, version, demo }, minPasswordLength: MIN_PASSWORD_LENGTH };
    },
  );

  app.post(
    '/setup/claim',
    {
      config: { access: 'public', rateLimit: LOGIN_RATE },
      schema: {
        operationId: 'claim',
        tags: ['setup'],
        summary: 'Claim the gateway with its setup code: creates the administrator and logs in.',
        body: Type.Object(
          {
            code: Type.String({
              minLength: 1,
              maxLength: 64,
              description: 'The setup code that the gateway prints; case, spaces and dashes do not matter.',
            }),
            username: Username,
            password: Type.String({ minLength: MIN_PASSWORD_LENGTH, maxLength: MAX_PASSWORD_LENGTH }),
          },
          { additionalProperties: false },
        ),
        response: answers({ 201: ref(Session) }),
      },
    },
    async (request, reply) => {
      const { code, username, password } = request.body;
      await context.claim.claim(code, username, password, request.ip);
      context.log.info({ username, address: request.ip }, 'the gateway was claimed');
      const login = await startLogin(username, reply, context);
      return reply.status(201).send(describeLogin(login));
    },
  );
}

import { Type } from '../../schema-types.js';
import { type App, answers, Nothing, type RouteContext } from '../http.js';
import { loginOf } from './session.js';

const Setting = {
  server: Type.String({ minLength: 1, maxLength: 1024, description: '`host`, `host:port`, or several of them with a space between.' }),
  permanent: Type.Boolean({
    default: false,
    description: 'The server has moved for good (0x9D), rather than: use another one for now (0x9C).',
  }),
  allow: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    default: [],
    maxItems: 1000,
    description: 'Client ids that are served all the same; `*` stands for any run of characters.',
  }),
};
const Source = Type.Union([Type.Literal('configuration'), Type.Literal('api')], { description: 'Where it was set.' });

export function redirectRoutes(app: App, context: RouteContext): void {
  const { broker } = context.ports;

  app.get(
    '/redirect',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getRedirect',
        tags: ['clients'],
        summary: 'Where MQTT clients are sent instead; null: everybody is served.',
        response: answers({ 200: Type.Object({ redirect: Type.Union([Type.Object({ ...Setting, source: Source }), Type.Null()]) }) }),
      },
    },
    () => ({ redirect: broker.redirect() }),
  );

  app.put(
    '/redirect',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'setRedirect',
        tags: ['clients'],
        summary: 'Send MQTT clients to another server, also those that are connected. Holds over restarts and wins over the configuration.',
        body: Type.Object(Setting, { additionalProperties: false }),
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { server, permanent = false, allow = [] } = request.body;
      await broker.setRedirect({ server, permanent, allow });
      context.log.info({ username: loginOf(request).username, server, permanent, allow }, 'clients are redirected from the console');
      return reply.status(204).send(null);
    },
  );

  app.delete(
    '/redirect',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'endRedirect',
        tags: ['clients'],
        summary: 'Serve MQTT clients again, unless the configuration sends them away.',
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      await broker.setRedirect(null);
      context.log.info({ username: loginOf(request).username }, 'the redirect of clients was ended from the console');
      return reply.status(204).send(null);
    },
  );
}

import { Type } from '../../schema-types.js';
import { Client, ClientDetails } from '../api-schemas.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1024 }) });

export function clientRoutes(app: App, context: RouteContext): void {
  const { broker } = context.ports;

  app.get(
    '/clients',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listClients',
        tags: ['clients'],
        summary: 'MQTT clients and sessions, connected or not.',
        querystring: Type.Object(
          {
            search: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the client id or user name.' })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 1000 })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: Type.Object({ clients: Type.Array(ref(Client)), total: Type.Number() }) }),
      },
    },
    (request) => {
      const { search = '', limit = 1000 } = request.query;
      const found = broker.clients().filter((client) => client.clientId.includes(search) || (client.username ?? '').includes(search));
      return { clients: found.slice(0, limit), total: found.length };
    },
  );

  app.get(
    '/clients/:id',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getClient',
        tags: ['clients'],
        summary: 'Everything about one MQTT client or kept session.',
        params: Params,
        response: answers({ 200: ref(ClientDetails) }),
      },
    },
    (request) => {
      const { id } = request.params;
      const client = broker.client(id);
      if (client === null) throw notFound(`There is no client and no session ${JSON.stringify(id)}.`, id);
      return client;
    },
  );

  app.delete(
    '/clients/:id',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'disconnectClient',
        tags: ['clients'],
        summary: 'Disconnect a client. Its session stays, and it may connect again.',
        params: Params,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!broker.disconnect(id)) throw notFound(`No client ${JSON.stringify(id)} is connected.`, id);
      context.log.info({ username: loginOf(request).username, client: id }, 'a client was disconnected from the console');
      return reply.status(204).send(null);
    },
  );

  app.delete(
    '/sessions/:id',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'discardSession',
        tags: ['clients'],
        summary: 'End the session of a client, and drop its subscriptions and all messages that wait for it.',
        params: Params,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await broker.discardSession(id))) throw notFound(`There is no session of a client ${JSON.stringify(id)}.`, id);
      context.log.info({ username: loginOf(request).username, client: id }, 'a session was discarded from the console');
      return reply.status(204).send(null);
    },
  );
}

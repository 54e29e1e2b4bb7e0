import { Type } from '../../schema-types.js';
import { type App, answers, Nothing, notFound, type RouteContext } from '../http.js';
import { loginOf } from './session.js';

const Params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) });

export function mqttUserRoutes(app: App, context: RouteContext): void {
  const { mqttUsers } = context.ports;

  app.get(
    '/mqtt-users',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'listMqttUsers',
        tags: ['mqtt-users'],
        summary: 'Users that MQTT clients log in with.',
        response: answers({ 200: Type.Object({ users: Type.Array(Type.Object({ name: Type.String(), createdAt: Type.Number() })) }) }),
      },
    },
    async () => ({ users: await mqttUsers.list() }),
  );

  app.put(
    '/mqtt-users/:name',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'putMqttUser',
        tags: ['mqtt-users'],
        summary: 'Create a user, or replace its password.',
        params: Params,
        body: Type.Object({ password: Type.String({ minLength: 1, maxLength: 1024 }) }, { additionalProperties: false }),
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      await mqttUsers.put(request.params.name, request.body.password);
      context.log.info({ username: loginOf(request).username, mqttUser: request.params.name }, 'an MQTT user was set from the console');
      return reply.status(204).send(null);
    },
  );

  app.delete(
    '/mqtt-users/:name',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'deleteMqttUser',
        tags: ['mqtt-users'],
        summary: 'Delete a user.',
        params: Params,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (!(await mqttUsers.delete(name))) throw notFound(`There is no MQTT user ${JSON.stringify(name)}.`, name);
      context.log.info({ username: loginOf(request).username, mqttUser: name }, 'an MQTT user was deleted from the console');
      return reply.status(204).send(null);
    },
  );
}

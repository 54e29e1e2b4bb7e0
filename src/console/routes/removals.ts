import { Type } from '../../schema-types.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { Removal } from '../removal-schemas.js';
import { loginOf } from './session.js';

const Named = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) });
const WithBus = Type.Object(
  { bus: Type.Boolean({ default: false, description: 'Remove its bus, too; refused where anything else uses it.' }) },
  { additionalProperties: false },
);

/** Taking devices and buses out of the configuration. */
export function removalRoutes(app: App, context: RouteContext): void {
  const { removals } = context.ports;

  app.get(
    '/devices/:name/removal',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'previewDeviceRemoval',
        tags: ['field'],
        summary: 'What removing a device would do: what goes with it, what else names it, and why it would be refused. Nothing is changed.',
        params: Named,
        querystring: WithBus,
        response: answers({ 200: ref(Removal) }),
      },
    },
    async (request) => {
      const { name } = request.params;
      return (await removals.previewDevice(name, request.query.bus)) ?? noDevice(name);
    },
  );

  app.delete(
    '/devices/:name',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'removeDevice',
        tags: ['field'],
        summary: 'Remove a device from the configuration, and what it has retained; checked with the whole of it, taken over at once.',
        params: Named,
        querystring: WithBus,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { bus } = request.query;
      if (!(await removals.removeDevice(name, bus))) noDevice(name);
      context.log.info({ username: loginOf(request).username, device: name, withBus: bus }, 'a device was removed from the console');
      return reply.status(204).send(null);
    },
  );

  app.get(
    '/buses/:name/removal',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'previewBusRemoval',
        tags: ['field'],
        summary: 'What removing a bus would do, and why it would be refused. Nothing is changed.',
        params: Named,
        response: answers({ 200: ref(Removal) }),
      },
    },
    async (request) => {
      const { name } = request.params;
      return (await removals.previewBus(name)) ?? noBus(name);
    },
  );

  app.delete(
    '/buses/:name',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'removeBus',
        tags: ['field'],
        summary: 'Remove a bus that nothing uses from the configuration.',
        params: Named,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (!(await removals.removeBus(name))) noBus(name);
      context.log.info({ username: loginOf(request).username, bus: name }, 'a bus was removed from the console');
      return reply.status(204).send(null);
    },
  );
}

function noDevice(name: string): never {
  throw notFound(`There is no device ${JSON.stringify(name)}.`, name);
}

function noBus(name: string): never {
  throw notFound(`There is no bus ${JSON.stringify(name)}.`, name);
}

import { Type } from '../../schema-types.js';
import { startEvents } from '../event-stream.js';
import { type App, answers, type RouteContext } from '../http.js';
import { loginOf } from './session.js';

export function traceRoutes(app: App, context: RouteContext): void {
  app.get(
    '/trace',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'trace',
        tags: ['clients'],
        summary: 'Follow the MQTT packets of one client, or those that concern one topic filter, as server-sent events.',
        querystring: Type.Object(
          {
            client: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'Client id. Either this or topic.' })),
            topic: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'Topic filter.' })),
            payload: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 128, default: 0, description: 'Bytes of each payload to show; 0: none.' }),
            ),
          },
          { additionalProperties: false },
        ),
        produces: ['text/event-stream'],
        response: answers({ 200: Type.String({ description: 'Events: see docs/api.md.' }) }),
      },
    },
    (request, reply) => {
      const { id, username } = loginOf(request);
      const { client, topic, payload = 0 } = request.query;
      const what = { ...(client === undefined ? {} : { client }), ...(topic === undefined ? {} : { topic }) };
      context.traces.start(
        id,
        'packet',
        ({ item, leftOut, ended }) => context.ports.broker.trace({ ...what, payload }, { packet: item, leftOut, ended }),
        () => startEvents(reply),
      );
      context.log.info({ username, ...what, payload }, 'a packet trace was started from the console');
    },
  );
}

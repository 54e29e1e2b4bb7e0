import { FerruleError } from '../../errors.js';
import { Type } from '../../schema-types.js';
import { startEvents } from '../event-stream.js';
import { type App, answers, type RouteContext } from '../http.js';
import { loginOf } from './session.js';

export function streamRoutes(app: App, context: RouteContext): void {
  app.get(
    '/stream',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'stream',
        tags: ['stream'],
        summary: 'Live values as server-sent events: each view as a whole first, then what changes.',
        querystring: Type.Object(
          {
            views: Type.String({
              minLength: 1,
              maxLength: 8192,
              description:
                'Views, separated by commas: overview, devices, device:<name>, topics:<filter>, bridges, clients, rules. Each is percent-decoded once more, so that a comma in a name can be written %2C.',
            }),
          },
          { additionalProperties: false },
        ),
        produces: ['text/event-stream'],
        response: answers({ 200: Type.String({ description: 'Events: see docs/api.md.' }) }),
      },
    },
    (request, reply) => {
      const { id } = loginOf(request);
      const views = request.query.views.split(',').map(decodeView);
      context.streams.check(id, views);
      context.streams.add(id, views, startEvents(reply));
    },
  );
}

function decodeView(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FerruleError('FER_CONSOLE_INVALID', `The view ${JSON.stringify(text)} is not percent-encoded properly.`, {
      where: { subject: 'querystring/views' },
    });
  }
}

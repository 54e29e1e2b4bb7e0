import { Type } from '../../schema-types.js';
import { Bridge } from '../api-schemas.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

export function bridgeRoutes(app: App, context: RouteContext): void {
  const { bridges } = context.ports;

  app.get(
    '/bridges',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listBridges',
        tags: ['bridges'],
        summary: 'Bridges with link, backlog and ledger.',
        response: answers({ 200: Type.Object({ bridges: Type.Array(ref(Bridge)) }) }),
      },
    },
    () => ({ bridges: bridges.bridges() }),
  );

  for (const action of ['pause', 'resume'] as const) {
    app.post(
      `/bridges/:name/${action}`,
      {
        config: { access: 'administrator' },
        schema: {
          operationId: `${action}Bridge`,
          tags: ['bridges'],
          summary:
            action === 'pause' ? 'Pause a bridge, over restarts too; what is meant for upstream waits on disk.' : 'Resume a paused bridge.',
          params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) }),
          response: answers({ 204: Nothing }),
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        if (!(await bridges[action](name))) throw notFound(`There is no bridge ${JSON.stringify(name)}.`, name);
        context.log.info({ username: loginOf(request).username, bridge: name, action }, 'a bridge was switched from the console');
        return reply.status(204).send(null);
      },
    );
  }
}

import { Overview } from '../api-schemas.js';
import { type App, answers, type RouteContext, ref } from '../http.js';
import { overviewOf } from '../summaries.js';

export function overviewRoutes(app: App, context: RouteContext): void {
  app.get(
    '/overview',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getOverview',
        tags: ['overview'],
        summary: 'The whole gateway at one glance.',
        response: answers({ 200: ref(Overview) }),
      },
    },
    () => overviewOf(context.ports, context.clock),
  );
}

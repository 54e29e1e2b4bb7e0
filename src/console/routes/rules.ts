import { Type } from '../../schema-types.js';
import { Rule } from '../api-schemas.js';
import { type App, answers, type RouteContext, ref } from '../http.js';

export function ruleRoutes(app: App, context: RouteContext): void {
  app.get(
    '/rules',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listRules',
        tags: ['rules'],
        summary: 'The rules, what they did and what is wrong with them.',
        response: answers({ 200: Type.Object({ rules: Type.Array(ref(Rule)) }) }),
      },
    },
    () => ({ rules: context.ports.rules.rules() }),
  );
}

import { Storage } from '../api-schemas.js';
import { type App, answers, type RouteContext, ref } from '../http.js';

export function storageRoutes(app: App, context: RouteContext): void {
  app.get(
    '/storage',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'getStorage', tags: ['storage'], summary: 'The store on disk.', response: answers({ 200: ref(Storage) }) },
    },
    () => context.ports.storage.status(),
  );
}

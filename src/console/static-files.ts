import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './http.js';

/** Vite puts what carries a hash in its name here: it never changes, so browsers may keep it. */
const HASHED = '/assets/';

const MISSING_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ferrule</title>
<h1>The gateway runs, its web console is missing</h1>
<p>The files of the web console were not found. Build them with <code>npm run build</code>, then start the gateway again.</p>
<p>The HTTP API works: see <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</html>
`;

/**
 * Serves the web console, and index.html for every address that belongs to the console's own pages.
 * Returns what to answer to a GET that no route and no file took; false: it is not for the console either.
 */
export async function staticFiles(app: App, uiDir: string): Promise<(request: FastifyRequest, reply: FastifyReply) => boolean> {
  if (!existsSync(join(uiDir, 'index.html'))) {
    return (request, reply) => {
      if (!isPage(request)) return false;
      void reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(MISSING_PAGE);
      return true;
    };
  }
  await app.register(fastifyStatic, {
    root: uiDir,
    preCompressed: true,
    cacheControl: false,
    index: 'index.html',
    setHeaders: (response, path) => {
      const immutable = path.replaceAll('\\', '/').startsWith(`${uiDir}${HASHED}`);
      response.setHeader('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  return (request, reply) => {
    if (!isPage(request)) return false;
    void reply.sendFile('index.html');
    return true;
  };
}

/** An address that a person may have opened: a GET for HTML, and not for a file that does not exist. */
function isPage(request: FastifyRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = request.url.split('?', 1)[0] ?? '';
  const accept = request.headers.accept ?? '*/*';
  return !path.startsWith(HASHED) && !/\.[a-zA-Z0-9]+$/.test(path) && (accept.includes('text/html') || accept.includes('*/*'));
}

import { createServer, type RequestListener, type Server } from 'node:http';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { FerruleError } from '../errors.js';
import { Type } from '../schema-types.js';
import { sendError } from './api-errors.js';
import { SHARED_SCHEMAS } from './api-schemas.js';
import type { Certificate } from './certificate.js';
import { lazyCompilers } from './compilers.js';
import { DEVICE_SETUP_SCHEMAS } from './device-setup-schemas.js';
import { FIELD_TOOL_SCHEMAS } from './field-tools-schemas.js';
import { CSRF_HEADER, cookieName, guard } from './guard.js';
import { type App, answers, type RouteContext } from './http.js';
import { createSecureServer } from './https-server.js';
import { MODBUS_SERVER_SCHEMAS } from './modbus-server-schemas.js';
import { REMOVAL_SCHEMAS } from './removal-schemas.js';
import { banRoutes } from './routes/bans.js';
import { bridgeRoutes } from './routes/bridges.js';
import { clientRoutes } from './routes/clients.js';
import { deviceSetupRoutes } from './routes/device-setup.js';
import { deviceRoutes } from './routes/devices.js';
import { fieldScanRoutes } from './routes/field-scans.js';
import { fieldToolRoutes } from './routes/field-tools.js';
import { healthRoutes } from './routes/health.js';
import { modbusServerRoutes } from './routes/modbus-servers.js';
import { mqttUserRoutes } from './routes/mqtt-users.js';
import { overviewRoutes } from './routes/overview.js';
import { redirectRoutes } from './routes/redirect.js';
import { removalRoutes } from './routes/removals.js';
import { ruleRoutes } from './routes/rules.js';
import { sessionRoutes } from './routes/session.js';
import { setupRoutes } from './routes/setup.js';
import { storageRoutes } from './routes/storage.js';
import { streamRoutes } from './routes/stream.js';
import { tagListRoutes } from './routes/tag-lists.js';
import { topicRoutes } from './routes/topics.js';
import { traceRoutes } from './routes/trace.js';
import { staticFiles } from './static-files.js';

export const API_PREFIX = '/api/v1';
const BODY_LIMIT = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 512;
/** Requests of one address in a minute; a page with its files and polls needs a few hundred at most. */
const MAX_REQUESTS = 3000;

const API_ROUTES = [
  setupRoutes,
  sessionRoutes,
  overviewRoutes,
  deviceRoutes,
  tagListRoutes,
  deviceSetupRoutes,
  removalRoutes,
  fieldToolRoutes,
  fieldScanRoutes,
  modbusServerRoutes,
  topicRoutes,
  clientRoutes,
  bridgeRoutes,
  ruleRoutes,
  storageRoutes,
  mqttUserRoutes,
  streamRoutes,
  traceRoutes,
  redirectRoutes,
  banRoutes,
];

/** The HTTP server with all routes, not listening yet. */
export async function createApp(context: RouteContext, certificate: Certificate | null, uiDir: string): Promise<App> {
  const app: App = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: 'idle',
    schemaController: lazyCompilers(),
    serverFactory: (handler) =>
      limitServer(
        certificate === null ? createServer(handler as RequestListener) : createSecureServer(certificate, handler as RequestListener),
      ),
  });
  for (const schema of [...SHARED_SCHEMAS, ...FIELD_TOOL_SCHEMAS, ...MODBUS_SERVER_SCHEMAS, ...DEVICE_SETUP_SCHEMAS, ...REMOVAL_SCHEMAS])
    app.addSchema(schema);
  app.decorateRequest('login', null);
  app.setErrorHandler((error: Error, request, reply) => sendError(error, request, reply, context.log));
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // With a certificate of our own it would take away the browser's way in.
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: context.secure,
    originAgentCluster: context.secure,
    xFrameOptions: { action: 'deny' },
  });
  await app.register(cookie);
  await app.register(rateLimit, { global: true, max: MAX_REQUESTS, timeWindow: 60_000 });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Ferrule', description: 'The HTTP API of the gateway.', version: context.ports.gateway.version },
      components: {
        securitySchemes: {
          login: { type: 'apiKey', in: 'cookie', name: cookieName(context.secure) },
          csrf: { type: 'apiKey', in: 'header', name: CSRF_HEADER },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `schema${index}`),
    },
  });
  await app.register(
    (api: App, _options, done) => {
      registerApi(api, context);
      done();
    },
    { prefix: API_PREFIX },
  );
  healthRoutes(app, context);
  const page = await staticFiles(app, uiDir);
  app.setNotFoundHandler((request, reply) => {
    if (/^\/api(?:[/?]|$)/.test(request.url) || !page(request, reply)) throw nothingThere(request.method, request.url);
  });
  return app;
}

function registerApi(api: App, context: RouteContext): void {
  api.addHook('onRoute', (route) => {
    if (route.method === 'HEAD') return;
    const access = route.config?.access;
    if (access === undefined) throw new FerruleError('FER_INTERNAL', `the route ${route.url} does not say who may use it`);
    if (access !== 'public' && route.schema !== undefined) {
      const changing = route.method !== 'GET';
      route.schema.security = [changing ? { login: [], csrf: [] } : { login: [] }];
      route.schema.description = `Role: ${access}.`;
    }
  });
  api.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    guard(request, context);
  });
  for (const routes of API_ROUTES) routes(api, context);
  const document = Type.Object({}, { additionalProperties: true, description: 'This document.' });
  api.get(
    '/openapi.json',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getApiDocument',
        tags: ['setup'],
        summary: 'The API, as an OpenAPI document.',
        response: answers({ 200: document }),
      },
    },
    () => ({ ...api.swagger() }),
  );
  api.setNotFoundHandler((request) => {
    throw nothingThere(request.method, request.url);
  });
}

function limitServer<S extends Server>(server: S): S {
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function nothingThere(method: string, url: string): FerruleError {
  return new FerruleError('FER_CONSOLE_NOT_FOUND', `There is nothing at ${method} ${url.split('?', 1)[0]}.`);
}

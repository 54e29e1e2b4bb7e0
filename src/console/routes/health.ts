import { FerruleError } from '../../errors.js';
import { Type } from '../../schema-types.js';
import { type App, answers, type RouteContext } from '../http.js';

/** A gateway whose event loop is held up for longer than this is not alive, whatever it answers in between. */
const MAX_EVENT_LOOP_DELAY_MS = 5000;

const Health = Type.Object({
  status: Type.Unsafe<'ok' | 'failing'>({ type: 'string', enum: ['ok', 'failing'] }),
  reasons: Type.Array(Type.String()),
});

/** For watchdogs, load balancers and Prometheus: at the root, without a login. */
export function healthRoutes(app: App, context: RouteContext): void {
  app.get(
    '/healthz',
    { schema: { operationId: 'healthz', tags: ['health'], summary: 'Is the process alive?', response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const delay = context.ports.metrics?.eventLoopDelayMs() ?? 0;
      const reasons = delay > MAX_EVENT_LOOP_DELAY_MS ? [`the event loop is held up for ${Math.round(delay)} ms`] : [];
      return sendHealth(reasons, (code, body) => reply.status(code).send(body));
    },
  );

  app.get(
    '/readyz',
    {
      schema: { operationId: 'readyz', tags: ['health'], summary: 'Does the gateway do its work?', response: { 200: Health, 503: Health } },
    },
    async (_request, reply) => sendHealth(notReady(context), (code, body) => reply.status(code).send(body)),
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'metrics',
        tags: ['health'],
        summary: 'Metrics for Prometheus, once the gateway has been claimed.',
        produces: ['text/plain'],
        response: answers({ 200: Type.String() }),
      },
    },
    async (_request, reply) => {
      if (!context.claim.claimed) throw new FerruleError('FER_CONSOLE_UNCLAIMED', 'This gateway has not been claimed yet.');
      if (context.ports.metrics === null) {
        throw new FerruleError('FER_CONSOLE_NOT_FOUND', 'Metrics are switched off.', {
          hint: 'Set `metrics: {enabled: true}` in the configuration.',
        });
      }
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await context.ports.metrics.metricsText());
    },
  );
}

/** Why messages cannot be taken now, in words. */
function notReady(context: RouteContext): string[] {
  const parts = context.ports.gateway.parts();
  const reasons: string[] = [];
  const store = parts.find((part) => part.name === 'store');
  if (store?.state !== 'running' && store?.state !== 'degraded')
    reasons.push(`store: ${store?.error?.message ?? store?.state ?? 'missing'}`);
  const listeners = parts.filter((part) => part.name.startsWith('listener '));
  // A degraded listener is one that could not be opened.
  if (!listeners.some((listener) => listener.state === 'running')) {
    const faults = listeners.map((listener) => `${listener.name}: ${listener.error?.message ?? listener.state}`);
    reasons.push(...(faults.length === 0 ? ['no listener'] : faults));
  }
  return reasons;
}

function sendHealth<T>(reasons: string[], send: (code: 200 | 503, body: { status: 'ok' | 'failing'; reasons: string[] }) => T): T {
  return reasons.length === 0 ? send(200, { status: 'ok', reasons }) : send(503, { status: 'failing', reasons });
}

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Begins a stream of server-sent events; from here on fastify does nothing more with the answer. */
export function startEvents(reply: FastifyReply): ServerResponse {
  reply.hijack();
  // The headers that the hooks have set are carried over.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no', connection: 'close' });
  return reply.raw;
}

/** The types and few helpers that every route shares. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import { type Static, type TSchema, type TUnsafe, Type } from '../schema-types.js';
import type { Accounts, Role } from './accounts.js';
import type { Attempts } from './attempts.js';
import type { Claim } from './claim.js';
import type { LocalPeers } from './local-socket.js';
import type { Login, Logins } from './logins.js';
import type { ConsolePorts } from './ports.js';
import type { StreamHub } from './stream-hub.js';
import type { TopicCache } from './topic-cache.js';
import type { TraceStreams } from './trace-streams.js';

/** Makes the types of a handler follow from its schemas. */
interface TypeBoxProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxProvider>;

/** What the routes work with. */
export interface RouteContext {
  ports: ConsolePorts;
  clock: Clock;
  log: Logger;
  accounts: Accounts;
  logins: Logins;
  claim: Claim;
  attempts: Attempts;
  topics: TopicCache;
  streams: StreamHub;
  traces: TraceStreams;
  /** Who asks from this machine, and needs no login. */
  local: LocalPeers;
  /** Served over HTTPS, so cookies are `Secure`. */
  secure: boolean;
}

/** Who may ask: anyone, anyone once the gateway has been claimed, or an account with at least this role. */
export type Access = 'public' | Role;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route of the API says who may use it; a route without is refused at the start. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; null on public routes without a login. */
    login: Login | null;
  }
}

/** The body of every answer that is not a success. */
export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable code, FER_...' }),
      message: Type.String({ description: 'What happened.' }),
      hint: Type.Optional(Type.String({ description: 'What to do about it.' })),
      where: Type.Optional(
        Type.Object({
          file: Type.Optional(Type.String()),
          line: Type.Optional(Type.Integer()),
          column: Type.Optional(Type.Integer()),
          subject: Type.Optional(Type.String({ description: 'Field of the request, or the device, tag, client, bridge concerned.' })),
        }),
      ),
    }),
  },
  { $id: 'Error' },
);

/** A schema that is kept once, under its `$id`, and referred to. */
export function ref<T extends TSchema & { $id?: string }>(schema: T): TUnsafe<Static<T>> {
  if (schema.$id === undefined) throw new Error('only a schema with an $id can be referred to');
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` });
}

/** The answers of a route: the given ones and the error body for all others. */
export function answers<T extends Record<number, TSchema>>(
  good: T,
): T & { '4xx': TUnsafe<Static<typeof ErrorBody>>; '5xx': TUnsafe<Static<typeof ErrorBody>> } {
  return { ...good, '4xx': ref(ErrorBody), '5xx': ref(ErrorBody) };
}

/** 204: done, nothing to say. */
export const Nothing = Type.Null({ description: 'Done.' });

export function notFound(message: string, subject: string): FerruleError {
  return new FerruleError('FER_CONSOLE_NOT_FOUND', message, { where: { subject } });
}

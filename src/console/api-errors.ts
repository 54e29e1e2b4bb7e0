import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, FerruleError } from '../errors.js';
import type { Logger } from '../log.js';

const STATUS: Partial<Record<ErrorCode, number>> = {
  FER_INTERNAL: 500,
  FER_STOPPED: 503,
  FER_CONSOLE_STOPPED: 503,
  FER_CONSOLE_UNCLAIMED: 403,
  FER_CONSOLE_CLAIMED: 409,
  FER_CONSOLE_SETUP_CODE: 403,
  FER_CONSOLE_LOGIN_REQUIRED: 401,
  FER_CONSOLE_LOGIN_FAILED: 401,
  FER_CONSOLE_FORBIDDEN: 403,
  FER_CONSOLE_CSRF: 403,
  FER_CONSOLE_TOO_MANY_ATTEMPTS: 429,
  FER_CONSOLE_TOO_MANY_REQUESTS: 429,
  FER_CONSOLE_TOO_MANY_STREAMS: 429,
  FER_CONSOLE_NOT_FOUND: 404,
  FER_FIELD_UNKNOWN_BUS: 404,
  FER_CONSOLE_INVALID: 400,
  FER_CONSOLE_TOO_LARGE: 413,
  FER_CONSOLE_MEDIA_TYPE: 415,
};

/** 422: the request was understood, and the part it concerns (a device, the broker) could not or would not do it. */
function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? (code.startsWith('FER_STORE_') ? 503 : 422);
}

/** Turns whatever a route threw into the API's one form of an error. */
export function sendError(thrown: FastifyError | Error, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const error = thrown instanceof FerruleError ? thrown : translate(thrown);
  if (error === null) {
    log.error({ err: thrown, method: request.method, url: request.url.split('?')[0] }, 'a request failed by a fault in the program');
    const internal = new FerruleError('FER_INTERNAL', 'The gateway failed to do this by a fault of its own.', {
      hint: 'The log has the details.',
    });
    void reply.status(500).send(bodyOf(internal));
    return;
  }
  void reply.status(statusOf(error.code)).send(bodyOf(error));
}

export function bodyOf(error: FerruleError): { error: { code: string; message: string; hint?: string; where?: object } } {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.where === undefined ? {} : { where: error.where }),
    },
  };
}

/** fastify's own errors; null: not one of them. */
function translate(error: FastifyError | Error): FerruleError | null {
  if (!('statusCode' in error) || error.statusCode === undefined) return null;
  if (error.validation !== undefined) {
    const first = error.validation[0];
    const extra = first?.params.additionalProperty;
    const path = `${error.validationContext ?? 'request'}${first?.instancePath ?? ''}${typeof extra === 'string' ? `/${extra}` : ''}`;
    const allowed = first?.params.allowedValues;
    return new FerruleError('FER_CONSOLE_INVALID', `${path} ${first?.message ?? 'is not valid'}.`, {
      where: { subject: path },
      ...(Array.isArray(allowed) ? { hint: `Allowed: ${allowed.join(', ')}.` } : {}),
    });
  }
  switch (error.statusCode) {
    case 413:
      return new FerruleError('FER_CONSOLE_TOO_LARGE', 'The body of the request is too large.', {
        hint: 'At most 1 MiB is taken, of tag lists 20 MiB.',
      });
    case 415:
      return new FerruleError('FER_CONSOLE_MEDIA_TYPE', 'The body of the request has a type that is not understood.', {
        hint: 'Send JSON with content-type application/json.',
      });
    case 429:
      return new FerruleError('FER_CONSOLE_TOO_MANY_REQUESTS', 'Too many requests in a short time.', { hint: 'Try again in a minute.' });
    default:
      return error.statusCode >= 400 && error.statusCode < 500 ? new FerruleError('FER_CONSOLE_INVALID', error.message) : null;
  }
}

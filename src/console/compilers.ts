import { createRequire } from 'node:module';
import type { Ajv } from 'ajv';
import type { FastifyServerOptions } from 'fastify';

/** A gateway runs for months and its console is opened now and then: what only requests need is loaded with them. */
const require = createRequire(import.meta.url);
/** fastify's own serialiser, of the version that belongs to it. */
const fromFastify = createRequire(require.resolve('fastify'));

type Controller = NonNullable<FastifyServerOptions['schemaController']>;
type Factories = Required<NonNullable<Controller['compilersFactory']>>;
type Validate = ReturnType<Ajv['compile']>;

/**
 * Compiles a route's schemas when the route is asked for the first time. Compiling all of them at the start takes a third
 * of its time and 20 MB, for routes that few gateways are ever asked for.
 */
export function lazyCompilers(): Controller {
  return { compilersFactory: { buildSerializer, buildValidator: validatorFactory() } };
}

const buildSerializer: Factories['buildSerializer'] = (shared, options) => {
  const compile = once(() => {
    const fastJson = fromFastify('@fastify/fast-json-stringify-compiler') as { SerializerSelector(): Factories['buildSerializer'] };
    return fastJson.SerializerSelector()(shared, options);
  });
  return (route) => {
    const serialize = once(() => compile()(route));
    return (data) => serialize()(data);
  };
};

/** Addresses and queries are text, so their values are converted; bodies are JSON and must have the right types as they are. */
function validatorFactory(): Factories['buildValidator'] {
  const forText = once(() => createAjv(true));
  const forBodies = once(() => createAjv(false));
  const compile = ({ schema, httpPart }: { schema: object; httpPart?: string }) => {
    const compiled = once(() => (httpPart === 'body' ? forBodies() : forText()).compile(schema));
    const validate: { (data: unknown): boolean; errors: Validate['errors'] } = (data) => {
      const check = compiled();
      const valid = check(data);
      // fastify looks for what is wrong on the function that it called.
      validate.errors = check.errors;
      return valid;
    };
    validate.errors = null;
    return validate;
  };
  // The types want ajv's whole interface; fastify calls this function only.
  return (() => compile) as unknown as Factories['buildValidator'];
}

function createAjv(coerceTypes: boolean): Ajv {
  const ajv = require('ajv') as typeof import('ajv');
  return new ajv.Ajv({ coerceTypes, useDefaults: true, removeAdditional: false, strict: false });
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

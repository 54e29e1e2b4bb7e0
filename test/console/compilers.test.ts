import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { lazyCompilers } from '../../src/console/compilers.js';
import { Type } from '../../src/schema-types.js';

function app() {
  const server = fastify({ schemaController: lazyCompilers() });
  server.addSchema(Type.Object({ shown: Type.String() }, { $id: 'Shared' }));
  return server;
}

test('an answer holds what its schema says and nothing else, also through a reference', async () => {
  const server = app();
  server.get('/', { schema: { response: { 200: Type.Object({ inner: Type.Unsafe<unknown>({ $ref: 'Shared#' }) }) } } }, async () => ({
    inner: { shown: 'yes', secret: 'no' },
    secret: 'no',
  }));
  assert.equal((await server.inject('/')).body, '{"inner":{"shown":"yes"}}');
});

test('what a query says is converted, and refused where it can not be', async () => {
  const server = app();
  server.get('/', { schema: { querystring: Type.Object({ n: Type.Integer({ default: 7 }) }) } }, async ({ query }) => query);
  assert.deepEqual((await server.inject('/?n=5')).json(), { n: 5 });
  assert.deepEqual((await server.inject('/')).json(), { n: 7 });
  const refused = await server.inject('/?n=five');
  assert.equal(refused.statusCode, 400);
  assert.match(refused.json<{ message: string }>().message, /querystring\/n must be integer/);
});

test('a body is taken as it is: text is no number, and one fault is not remembered for the next request', async () => {
  const server = app();
  server.post('/', { schema: { body: Type.Object({ n: Type.Integer() }) } }, async ({ body }) => body as object);
  const post = (n: unknown) => server.inject({ method: 'POST', url: '/', payload: { n } });
  assert.equal((await post('5')).statusCode, 400);
  assert.deepEqual((await post(5)).json(), { n: 5 });
});

test('no schema is compiled before a request needs it', async () => {
  const server = app();
  // Compiling this one fails.
  const broken = Type.Unsafe<unknown>({ $ref: 'nowhere#' });
  server.get('/broken', { schema: { response: { 200: broken } } }, async () => ({}));
  server.get('/whole', { schema: { response: { 200: Type.Object({ a: Type.Number() }) } } }, async () => ({ a: 1 }));
  await server.ready();
  assert.deepEqual((await server.inject('/whole')).json(), { a: 1 });
  assert.equal((await server.inject('/broken')).statusCode, 500);
});

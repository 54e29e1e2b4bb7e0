import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { HttpAuthConfig } from '../../src/broker/schema.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

interface Setup extends TestBroker {
  clock: ManualClock;
  /** What the service was asked, in order. */
  questions: Record<string, unknown>[];
  /** How it answers. */
  service: { answer: (response: ServerResponse, request: IncomingMessage) => void };
}

function says(status: number, body = '', type = 'application/json'): Setup['service']['answer'] {
  return (response) => response.writeHead(status, { 'content-type': type }).end(body);
}

async function setUp(t: TestContext, extra: Partial<HttpAuthConfig> = {}): Promise<Setup> {
  const clock = new ManualClock();
  const questions: Setup['questions'] = [];
  const service: Setup['service'] = { answer: says(200, '{"result":"allow"}') };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      questions.push({ method: request.method, type: request.headers['content-type'], ...JSON.parse(Buffer.concat(chunks).toString()) });
      service.answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const http: HttpAuthConfig = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt/auth`,
    ...{ timeout: 2000, cache: 60_000 },
    ...extra,
  };
  const harness = await startBroker(t, { anonymous: false, clock, access: { rules: [], http } });
  return { ...harness, clock, questions, service };
}

const ANNA = { username: 'anna', password: 'secret', clientId: 'c' };

test('is the service asked with who it is, and does its yes let in?', async (t) => {
  const { port, broker, questions } = await setUp(t);
  await RawClient.open(port, { version: 5, ...ANNA });
  assert.equal(broker.clients.c?.username, 'anna');
  assert.deepEqual(questions, [
    {
      ...{ method: 'POST', type: 'application/json', username: 'anna', password: 'secret', client_id: 'c' },
      ...{ address: '127.0.0.1', protocol: 'mqtt-5' },
    },
  ]);
});

for (const [what, status, body, v5, v3] of [
  ['{"result":"allow"}', 200, '{"result":"allow","is_superuser":false}', 0, 0],
  ['the word allow', 200, 'allow', 0, 0],
  ['allow with tags', 200, 'allow administrator', 0, 0],
  ['204', 204, '', 0, 0],
  ['{"result":"deny"}', 200, '{"result":"deny"}', 0x87, 5],
  ['the word deny', 200, 'deny', 0x87, 5],
  ['{"result":"ignore"}', 200, '{"result":"ignore"}', 0x87, 5],
  ['401', 401, '', 0x87, 5],
  ['429', 429, '', 0x88, 3],
  ['500', 500, '', 0x88, 3],
  ['a redirect', 302, '', 0x88, 3],
  ['something else', 200, '{"ok":true}', 0x88, 3],
  ['no word, but the start of one', 200, 'allowed', 0x88, 3],
  ['an answer without an end', 200, `"${'x'.repeat(100_000)}`, 0x88, 3],
] as const) {
  test(`does ${what} mean ${v5} to v5 and ${v3} before?`, async (t) => {
    const { port, service } = await setUp(t, { cache: 0 });
    service.answer = says(status, body);
    assert.equal((await RawClient.attempt(port, { version: 5, ...ANNA })).connack.reasonCode, v5);
    assert.equal((await RawClient.attempt(port, ANNA)).connack.reasonCode, v3);
  });
}

test('does nobody come in while the service is down?', async (t) => {
  const { port } = await setUp(t, { url: 'http://127.0.0.1:9/' });
  assert.equal((await RawClient.attempt(port, { version: 5, ...ANNA })).connack.reasonCode, 0x88);
});

test('does a service that does not answer cost its timeout, and hold up nobody else?', async (t) => {
  const { port, broker, clock, service, questions } = await setUp(t);
  await broker.access.users.put('bob', 'correct horse', 0);
  service.answer = () => undefined;
  const waiting = RawClient.attempt(port, { version: 5, ...ANNA });
  await waitFor(() => questions.length === 1);
  const other = await RawClient.open(port, { username: 'bob', password: 'correct horse' });
  await other.ping();
  clock.advance(2000);
  assert.equal((await waiting).connack.reasonCode, 0x88);
});

test('is a yes remembered for its time, for the same credentials alone, and a no not at all?', async (t) => {
  const { port, clock, service, questions } = await setUp(t);
  await RawClient.open(port, ANNA);
  service.answer = says(403);
  await RawClient.open(port, ANNA);
  assert.equal(questions.length, 1);
  assert.equal((await RawClient.attempt(port, { ...ANNA, password: 'other' })).connack.reasonCode, 5);
  assert.equal((await RawClient.attempt(port, { ...ANNA, clientId: 'other' })).connack.reasonCode, 5);
  assert.equal((await RawClient.attempt(port, { ...ANNA, clientId: 'other' })).connack.reasonCode, 5);
  assert.equal(questions.length, 4);
  clock.advance(61_000);
  assert.equal((await RawClient.attempt(port, ANNA)).connack.reasonCode, 5);
});

test('are users of the store decided here, and not asked about?', async (t) => {
  const { port, broker, questions } = await setUp(t);
  await broker.access.users.put('anna', 'correct horse', 0);
  assert.equal((await RawClient.attempt(port, ANNA)).connack.reasonCode, 5);
  assert.equal((await RawClient.attempt(port, { ...ANNA, password: 'correct horse' })).connack.reasonCode, 0);
  assert.deepEqual(questions, []);
});

test('are no more than 32 questions asked at once, and all answered in the end?', async (t) => {
  const { port, service } = await setUp(t);
  let now = 0;
  let most = 0;
  const held: (() => void)[] = [];
  service.answer = (response) => {
    most = Math.max(most, ++now);
    held.push(() => {
      now--;
      says(204)(response, undefined as never);
    });
  };
  const clients = Array.from({ length: 40 }, (_, index) => RawClient.attempt(port, { ...ANNA, clientId: `c${index}` }));
  await waitFor(() => held.length === 32);
  let answered = 0;
  await waitFor(() => {
    for (const answer of held.splice(0)) {
      answered++;
      answer();
    }
    return answered === 40;
  });
  assert.deepEqual(
    (await Promise.all(clients)).map(({ connack }) => connack.reasonCode),
    Array(40).fill(0),
  );
  assert.equal(most, 32);
});

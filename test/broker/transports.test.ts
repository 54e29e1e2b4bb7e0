import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { createWebSocketStream, WebSocket } from 'ws';
import { Listener } from '../../src/broker/listeners/listener.js';
import type { ListenerConfig } from '../../src/broker/schema.js';
import { FerruleError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { RawClient } from '../support/raw-client.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor, within } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

const run = promisify(execFile);

async function listen(t: TestContext, { broker }: TestBroker, config: ListenerConfig): Promise<Listener> {
  const listener = new Listener(config, broker, silentLogger);
  await listener.start();
  t.after(() => listener.stop());
  return listener;
}

async function certificate(t: TestContext): Promise<{ cert: string; key: string }> {
  const dir = await tempDir(t);
  const files = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ];
  await run('openssl', [...request, '-keyout', files.key, '-out', files.cert]);
  return files;
}

async function roundTrip(client: RawClient): Promise<void> {
  await client.hello({ clientId: 'c' });
  await client.subscribe('t', 1);
  await client.publish('t', Buffer.alloc(200_000, 7), { qos: 1 });
  assert.equal((await client.nextMessage()).payload.length, 200_000);
}

test('is MQTT spoken over TLS?', async (t) => {
  const listener = await listen(t, await startBroker(t), {
    type: 'tls',
    host: '127.0.0.1',
    port: 0,
    ...(await certificate(t)),
    require_client_cert: false,
  });
  const socket = connectTls({ port: listener.port!, host: '127.0.0.1', rejectUnauthorized: false });
  await roundTrip(new RawClient(socket));
  socket.destroy();
});

for (const protocol of ['mqtt', 'mqttv3.1']) {
  test(`is MQTT spoken over WebSocket with the subprotocol ${protocol}?`, async (t) => {
    const listener = await listen(t, await startBroker(t), { type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' });
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/mqtt`, protocol);
    await roundTrip(new RawClient(createWebSocketStream(socket)));
    assert.equal(socket.protocol, protocol);
    socket.terminate();
  });
}

test('is MQTT spoken over a secure WebSocket?', async (t) => {
  const listener = await listen(t, await startBroker(t), {
    type: 'wss',
    host: '127.0.0.1',
    port: 0,
    path: '/mqtt',
    ...(await certificate(t)),
    require_client_cert: false,
  });
  const socket = new WebSocket(`wss://127.0.0.1:${listener.port}/mqtt`, 'mqtt', { rejectUnauthorized: false });
  await roundTrip(new RawClient(createWebSocketStream(socket)));
  socket.terminate();
});

test('do many messages for a WebSocket client share a frame, whatever they add up to?', async (t) => {
  const running = await startBroker(t);
  const listener = await listen(t, running, { type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' });
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/mqtt`, 'mqtt');
  const client = new RawClient(createWebSocketStream(socket));
  await client.hello({ clientId: 'c' });
  await client.subscribe('t', 0);
  let frames = 0;
  socket.on('message', () => frames++);
  const count = 2000;
  for (let i = 0; i < count; i++) running.broker.publish({ topic: 't', payload: Buffer.alloc(100) } as never);
  await waitFor(() => client.messages.length === count);
  assert.ok(frames < count / 100, `${frames} frames for ${count} messages`);
  socket.terminate();
});

test('is a WebSocket on another path or without the subprotocol refused?', async (t) => {
  const listener = await listen(t, await startBroker(t), { type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' });
  for (const [path, protocols] of [
    ['/other', ['mqtt']],
    ['/mqtt', []],
    ['/mqtt', ['chat']],
  ] as const) {
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}${path}`, [...protocols]);
    await assert.rejects(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)), path);
  }
});

test('is a WebSocket handshake with an impossible target, or one that breaks off, nothing but refused?', async (t) => {
  const running = await startBroker(t);
  const listener = await listen(t, running, { type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' });
  const upgrade = (target: string): string =>
    [
      `GET ${target} HTTP/1.1`,
      'Host: gateway',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: mqtt',
      '\r\n',
    ].join('\r\n');
  for (const target of ['//', '/elsewhere', '/mqtt/']) {
    const socket = connect(listener.port!, '127.0.0.1');
    socket.on('error', () => undefined);
    const [answer] = (await within(5000, 'an answer', once(socket.end(upgrade(target)), 'data'))) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
    await waitFor(() => socket.closed);
  }
  for (let round = 0; round < 20; round++) {
    const socket = connect(listener.port!, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(upgrade('/elsewhere'), () => socket.resetAndDestroy());
    await once(socket, 'close');
  }
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/mqtt?token=1`, 'mqtt');
  const client = new RawClient(createWebSocketStream(socket));
  await roundTrip(client);
  client.kill();
});

test('[MQTT-6.0.0-1] does a text frame end its connection, and only that?', async (t) => {
  const running = await startBroker(t);
  const listener = await listen(t, running, { type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' });
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/mqtt`, 'mqtt');
  await new Promise((resolve) => socket.on('open', resolve));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.send('hello');
  await closed;
  await RawClient.open(running.port);
});

test('does a port in use say so, with what to do?', async (t) => {
  const running = await startBroker(t);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const listener = new Listener({ type: 'tcp', host: '127.0.0.1', port }, running.broker, silentLogger);
  await assert.rejects(listener.start(), (error) => {
    assert.ok(error instanceof FerruleError);
    assert.equal(error.code, 'FER_BROKER_LISTEN');
    assert.match(error.message, new RegExp(`port ${port} is already in use`));
    assert.match(error.hint ?? '', /ss -ltnp/);
    return true;
  });
});

test('does a missing certificate say which listener, and what to do?', async (t) => {
  const running = await startBroker(t);
  const config = {
    type: 'tls',
    host: '127.0.0.1',
    port: 0,
    cert: '/nowhere/c.pem',
    key: '/nowhere/k.pem',
    require_client_cert: false,
  } as const;
  await assert.rejects(new Listener(config, running.broker, silentLogger).start(), /listener can't be read: ENOENT/);
});

for (const type of ['ws', 'tls', 'wss'] as const) {
  test(`is a connection to the ${type} listener that says nothing, or half a handshake, closed in time?`, async (t) => {
    const running = await startBroker(t, { limits: { connectTimeoutMs: 200 } });
    const place = { host: '127.0.0.1', port: 0 };
    const listener = await (type === 'ws'
      ? listen(t, running, { type, ...place, path: '/mqtt' })
      : type === 'tls'
        ? listen(t, running, { type, ...place, ...(await certificate(t)), require_client_cert: false })
        : listen(t, running, { type, ...place, path: '/mqtt', ...(await certificate(t)), require_client_cert: false }));
    for (const start of ['', type === 'ws' ? 'GET /mqtt HTTP/1.1\r\nHost: a\r\n' : '\u0016\u0003\u0001']) {
      const socket = connect(listener.port!, '127.0.0.1');
      t.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.resume();
      if (start !== '') socket.write(start, 'latin1');
      await waitFor(() => socket.closed, { message: `the end of a connection that said ${JSON.stringify(start)}` });
    }
  });
}

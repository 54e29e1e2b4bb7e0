import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { MessageRing } from './load/messages.js';
import { openStream } from './load/stream.js';
import { WebSocketFraming } from './load/web-socket.js';
import { parseOpenFiles } from './proc.js';

async function webSocketServer(t: TestContext, onSocket: (socket: WebSocket) => void): Promise<number> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

for (const size of [1, 125, 126, 65_535, 65_536, 1_000_000]) {
  test(`${size} bytes go through a real WebSocket server and come back as they were`, async (t) => {
    const port = await webSocketServer(t, (socket) => socket.on('message', (data) => socket.send(data)));
    const sent = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
    const got: Buffer[] = [];
    let arrived = 0;
    await new Promise<void>((resolve, reject) => {
      const stream = openStream('ws', port, (chunk, length) => {
        got.push(Buffer.from(chunk.subarray(0, length)));
        arrived += length;
        if (arrived >= size) resolve();
      });
      t.after(() => stream.socket.destroy());
      stream.opened.then(() => stream.socket.write(stream.wrap(sent)), reject);
    });
    assert.ok(Buffer.concat(got).equals(sent));
  });
}

for (const size of [1, 2, 3, 100]) {
  test(`WebSocket frames in pieces of ${size} bytes are put together, control frames left out`, () => {
    const got: Buffer[] = [];
    let opened = 0;
    const framing = new WebSocketFraming(
      () => opened++,
      (bytes) => got.push(Buffer.from(bytes)),
    );
    const small = Buffer.from([0x82, 3, 1, 2, 3]);
    const ping = Buffer.from([0x89, 2, 9, 9]);
    const long = Buffer.concat([Buffer.from([0x82, 126, 1, 0]), Buffer.alloc(256, 4)]);
    const bytes = Buffer.concat([Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'), small, ping, long]);
    for (let at = 0; at < bytes.length; at += size) framing.push(bytes.subarray(at, at + size));
    assert.equal(opened, 1);
    assert.deepEqual(Buffer.concat(got), Buffer.concat([Buffer.from([1, 2, 3]), Buffer.alloc(256, 4)]));
  });
}

test('a server that speaks no WebSocket is told from one that does', async (t) => {
  const server = createServer((_request, response) => response.writeHead(426).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const stream = openStream('ws', (server.address() as { port: number }).port, () => {});
  t.after(() => stream.socket.destroy());
  await assert.rejects(stream.opened, /426/);
});

test('a ring brings each of its topics in turn', () => {
  const ring = new MessageRing({ topic: (i) => `t/${i}`, qos: 0, count: 3 });
  const topics = Array.from({ length: 4 }, () => ring.take(1, 0).toString('latin1', 4, 7));
  assert.deepEqual(topics, ['t/0', 't/1', 't/2', 't/0']);
  assert.throws(() => new MessageRing({ topic: (i) => 't'.repeat(i + 1), qos: 0, count: 2 }), /different lengths/);
});

test('the limit of open files is read', () => {
  assert.equal(
    parseOpenFiles(
      'Max processes             95920                95920                processes\nMax open files            1024                 524288               files\n',
    ),
    1024,
  );
});

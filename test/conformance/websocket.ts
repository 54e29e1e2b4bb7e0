import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Listener } from '../../src/broker/listeners/listener.js';
import { silentLogger } from '../../src/log.js';
import { encode } from '../../src/mqtt/writer.js';
import type { SpecVersion } from './statements.js';
import { type Bench, conformance } from './support.js';

/** A WebSocket to a listener of the file's broker, open. */
async function openSocket({ t, broker }: Bench, protocols = ['mqtt']): Promise<WebSocket> {
  const listener = new Listener({ type: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' }, broker, silentLogger);
  await listener.start();
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/mqtt`, protocols);
  t.after(async () => {
    socket.terminate();
    await listener.stop();
  });
  await once(socket, 'open');
  return socket;
}

/** Collects what arrives until there are so many bytes. */
function bytesFrom(socket: WebSocket, count: number): Promise<Buffer> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    socket.on('message', (data: Buffer, isBinary) => {
      assert.ok(isBinary);
      bytes = Buffer.concat([bytes, data]);
      if (bytes.length >= count) resolve(bytes);
    });
  });
}

/** Chapter 6 is the same in both specifications. */
export function webSocketStatements(version: SpecVersion): void {
  const statement = conformance(version);
  const level = version === 3 ? 4 : 5;
  const connect = encode(
    {
      ...{ type: 'connect', version: level, clean: true, keepAlive: 0, clientId: 'ws', will: null },
      ...{ username: null, password: null, properties: null, bridge: false },
    },
    level,
  );

  statement('MQTT-6.0.0-1', async (bench) => {
    const socket = await openSocket(bench);
    const closed = once(socket, 'close');
    socket.send('text');
    await closed;
  });

  statement('MQTT-6.0.0-2', async (bench) => {
    const socket = await openSocket(bench);
    const ping = Buffer.from([0xc0, 0]);
    const answered = bytesFrom(socket, 4);
    // The CONNECT byte by byte, the last one together with two pings and half of a third.
    for (const byte of connect.subarray(0, -1)) socket.send(Buffer.from([byte]));
    socket.send(Buffer.concat([connect.subarray(-1), ping, ping, ping.subarray(0, 1)]));
    assert.equal((await answered)[0], 0x20);
    const last = bytesFrom(socket, 2);
    socket.send(ping.subarray(1));
    const tail = await last;
    assert.deepEqual([...tail.subarray(-2)], [0xd0, 0]);
  });

  statement('MQTT-6.0.0-4', async (bench) => {
    assert.equal((await openSocket(bench)).protocol, 'mqtt');
    assert.equal((await openSocket(bench, ['chat', 'mqtt'])).protocol, 'mqtt');
  });
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { createBus } from '../../src/field/build.js';
import { SerialBus } from '../../src/field/serial/bus.js';
import { silentLogger } from '../../src/log.js';
import { waitFor } from '../support/wait-for.js';

it('An instrument behind a TCP serial server is listened to, and again after its server went away', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = { name: 'scale', type: 'serial_tcp', host: '127.0.0.1', port, connect_timeout: 5000 } as const;
  const bus = createBus(config, systemClock, silentLogger);
  t.after(async () => {
    await bus.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  assert.ok(bus instanceof SerialBus);
  assert.equal(bus.status().type, 'serial_tcp');
  let heard = '';
  bus.listen({ up: () => undefined, down: () => undefined, data: (chunk) => (heard += chunk.toString()) });
  bus.start();
  for (const [index, line] of ['one\r\n', 'two\r\n'].entries()) {
    const socket = await waitFor(() => sockets[index]);
    socket.write(line);
    await waitFor(() => heard.endsWith(line));
    socket.destroy();
  }
});

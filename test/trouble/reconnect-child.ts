/**
 * Many clients with sessions to keep, in one process: node reconnect-child.js PORT COUNT present|new. Not a test.
 *
 * All connect at once and subscribe; prints `connected COUNT MS` when every one has its CONNACK (as expected: session
 * present or new) and SUBACK, and stays until it is killed.
 */
import { connect } from 'node:net';
import type { ConnackPacket } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';

const [port, count, expected] = process.argv.slice(2);
const wanted = Number(count);
const since = performance.now();
let done = 0;

function fail(text: string): never {
  process.stdout.write(`failed: ${text}\n`);
  process.exit(1);
}

function start(n: number): void {
  const socket = connect(Number(port), '127.0.0.1');
  const reader = new PacketReader({ maxPacketSize: 1_000_000, role: 'client', version: 4 });
  const clientId = `device-${n}`;
  socket.write(
    encode(
      {
        type: 'connect',
        version: 4,
        clientId,
        clean: false,
        keepAlive: 60,
        username: null,
        password: null,
        bridge: false,
        will: null,
        properties: null,
      },
      4,
    ),
  );
  const filter = { filter: `devices/${n}/commands`, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const onConnack = ({ reasonCode, sessionPresent }: ConnackPacket): void => {
    if (reasonCode !== 0 || sessionPresent !== (expected === 'present')) fail(`${clientId}: CONNACK ${reasonCode} ${sessionPresent}`);
    socket.write(encode({ type: 'subscribe', packetId: 1, properties: null, subscriptions: [filter] }, 4));
  };
  socket.on('data', (chunk) => {
    reader.push(chunk);
    for (let packet = reader.next(); packet !== null; packet = reader.next()) {
      if (packet.type === 'connack') onConnack(packet);
      if (packet.type !== 'suback') continue;
      done++;
      if (done === wanted) process.stdout.write(`connected ${done} ${Math.round(performance.now() - since)}\n`);
    }
  });
  socket.on('error', (error) => fail(`${clientId}: ${error.message}`));
  socket.on('close', () => fail(`${clientId}: closed`));
}

for (let n = 0; n < wanted; n++) start(n);

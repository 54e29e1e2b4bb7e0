import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { FlushQueue, Outbox } from '../../src/broker/outbox.js';
import { encodeFrame, encodePublish, setPacketId } from '../../src/mqtt/publish-frame.js';
import { waitFor } from '../support/wait-for.js';

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const nothing = (): void => {};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function socketPair(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = await accepted;
  server.close();
  t.after(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

/** Pushes one of everything an outbox takes, `count` times, and gives what must arrive. */
async function pushAtRandom(outbox: Outbox, count: number, seed: number): Promise<Buffer> {
  const rand = random(seed);
  const expected: Buffer[] = [];
  const chunk = Buffer.from(Array.from({ length: 60_000 }, (_, i) => i % 251));
  for (let i = 0; i < count; i++) {
    const packetId = 1 + rand(65_535);
    switch (rand(5)) {
      case 0: {
        // Packets of one read, one behind the other.
        let from = rand(chunk.length);
        for (let packets = 1 + rand(30); packets > 0 && from < chunk.length; packets--) {
          const to = Math.min(chunk.length, from + 1 + rand(600));
          outbox.push(chunk, from, to);
          expected.push(Buffer.from(chunk.subarray(from, to)));
          from = to;
        }
        break;
      }
      case 1: {
        // The same with ids of their own, among others without.
        const frames = Array.from({ length: 1 + rand(40) }, (_, n) => encodeFrame('a/b', Buffer.alloc(rand(600), n), 2, false, null, 4));
        const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
        let at = 0;
        for (const { to, idAt } of frames) {
          const frame = { bytes, from: at, to: at + to, idAt: at + idAt };
          const packet = Buffer.from(bytes.subarray(frame.from, frame.to));
          if (rand(4) === 0) {
            outbox.push(bytes, frame.from, frame.to);
          } else {
            const dup = rand(2) === 0;
            const id = 1 + rand(65_535);
            outbox.pushPublish(frame, id, dup);
            setPacketId(packet, 0, idAt, id, dup);
          }
          expected.push(packet);
          at += to;
        }
        break;
      }
      case 2:
        outbox.pushAck('pubrel', packetId);
        expected.push(Buffer.from([0x62, 2, packetId >> 8, packetId & 0xff]));
        break;
      case 3: {
        const payload = Buffer.alloc(rand(20) === 0 ? 30_000 : rand(500), i);
        outbox.pushPublish(encodeFrame('a/b', payload, 1, false, null, 4), packetId, i % 2 === 0);
        expected.push(encodePublish('a/b', payload, 1, false, i % 2 === 0, packetId, null, 4));
        break;
      }
      default: {
        const bytes = Buffer.alloc(rand(15) === 0 ? 8000 + rand(1000) : 1 + rand(100), i);
        outbox.push(bytes);
        expected.push(bytes);
      }
    }
    if (rand(40) === 0) await turn();
  }
  return Buffer.concat(expected);
}

for (const paused of [false, true]) {
  test(`everything arrives once and in order, over a socket whose other end ${paused ? 'reads late' : 'reads'}`, async (t) => {
    const { near, far } = await socketPair(t);
    const outbox = new Outbox(near, new FlushQueue(), nothing);
    const received: Buffer[] = [];
    const listen = (): void => void far.on('data', (chunk) => received.push(chunk));
    if (!paused) listen();
    const expected = await pushAtRandom(outbox, 4000, 11);
    assert.ok(expected.length > 8_000_000);
    if (paused) listen();
    const arrived = (): number => received.reduce((sum, { length }) => sum + length, 0);
    await waitFor(() => arrived() >= expected.length, { message: () => `${arrived()} of ${expected.length} bytes` });
    assert.ok(Buffer.concat(received).equals(expected));
    assert.equal(outbox.written, expected.length);
    await waitFor(() => outbox.backlog === 0);
  });
}

test('a stream that keeps what it is given finds it unchanged, whatever is sent later', async () => {
  const stream = new PassThrough({ highWaterMark: 1e9 });
  const expected = await pushAtRandom(new Outbox(stream, new FlushQueue(), nothing), 2000, 12);
  await turn();
  assert.ok((stream.read() as Buffer).equals(expected));
});

test('what a socket has not taken yet counts as backlog', async (t) => {
  const { near, far } = await socketPair(t);
  far.pause();
  const outbox = new Outbox(near, new FlushQueue(), nothing);
  const bytes = Buffer.alloc(1_000_000);
  for (let i = 0; i < 20; i++) outbox.push(Buffer.from(bytes));
  assert.equal(outbox.backlog, 20 * bytes.length);
  await turn();
  assert.ok(outbox.backlog > 0 && outbox.backlog < 20 * bytes.length + 1);
  assert.equal(outbox.backlog, near.writableLength);
  far.resume();
  await waitFor(() => outbox.backlog === 0);
});

test('a socket that takes everything gets the same few buffers again and again', async (t) => {
  const { near, far } = await socketPair(t);
  far.resume();
  const used = new Set<ArrayBufferLike>();
  const write = near.write.bind(near);
  near.write = ((bytes: Buffer) => {
    used.add(bytes.buffer);
    return write(bytes);
  }) as typeof near.write;
  const outbox = new Outbox(near, new FlushQueue(), nothing);
  for (let i = 0; i < 200; i++) {
    outbox.pushAck('puback', 1 + i);
    await turn();
    await waitFor(() => outbox.backlog === 0);
  }
  assert.equal(used.size, 1);
});

test('little for a socket that is stuck takes little memory', async (t) => {
  const { near, far } = await socketPair(t);
  far.pause();
  const outbox = new Outbox(near, new FlushQueue(), nothing);
  outbox.push(Buffer.alloc(16_000_000));
  await turn();
  assert.ok(outbox.backlog > 0);
  let held = 0;
  const write = near.write.bind(near);
  near.write = ((bytes: Buffer) => {
    held = Math.max(held, bytes.buffer.byteLength);
    return write(bytes);
  }) as typeof near.write;
  // As many in one turn as fill the largest buffer; then few.
  for (let i = 0; i < 10_000; i++) outbox.pushAck('puback', 1 + i);
  await turn();
  held = 0;
  outbox.pushAck('puback', 1);
  await turn();
  // Small copies come from Node's pool.
  assert.ok(held > 0 && held <= Buffer.poolSize, `${held} bytes are held for 4`);
});

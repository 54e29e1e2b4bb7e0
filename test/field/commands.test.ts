import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Commands } from '../../src/field/commands/commands.js';
import { Publisher } from '../../src/field/publisher.js';
import { silentLogger } from '../../src/log.js';
import type { Sender } from '../../src/mqtt/message.js';
import { ScriptedInstrument } from '../peers/instrument.js';
import { SerialPair } from '../peers/socat.js';
import { ManualClock } from '../support/manual-clock.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { Documents } from './quality/support.js';
import { Messages, startField } from './support.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const sender = (packetId: number, more: Partial<Sender> = {}): Sender => ({
  clientId: 'panel',
  username: null,
  packetId,
  isDup: false,
  connection: { heardUntil: null },
  mayPublish: () => true,
  ...more,
});

/** Commands on a clock in the test's hand; each that is carried out is counted. */
async function desk(t: TestContext, documents = new Documents()) {
  const clock = new ManualClock();
  const messages = new Messages();
  const publisher = new Publisher(messages, clock, silentLogger);
  t.after(() => publisher.stop());
  const commands = new Commands(publisher, documents, clock, silentLogger);
  await commands.load();
  let carriedOut = 0;
  const send = async (from: Sender, payload = '1', topic = 'x/set') => {
    const before = messages.on(`${topic}/result`).length;
    commands.take({
      message: { topic, payload: Buffer.from(payload), qos: 1, retain: false, properties: null, sender: from },
      id: null,
      asked: payload,
      carryOut: () => Promise.resolve({ ok: true, v: ++carriedOut }),
    });
    await clock.advanceAsync(0);
    await waitFor(() => messages.on(`${topic}/result`).length > before);
    return messages.last(`${topic}/result`);
  };
  return { clock, send, count: () => carriedOut, documents };
}

describe('commands that are sent again', () => {
  test('the same one is the one of the same sender, packet id, topic and payload', async (t) => {
    const { send } = await desk(t);
    await send(sender(1));
    assert.deepEqual(await send(sender(1, { isDup: true })), { ok: true, v: 1, repeated: true });
    assert.deepEqual(await send(sender(2, { isDup: true })), { ok: true, v: 2 });
    assert.deepEqual(await send(sender(1, { isDup: true }), '2'), { ok: true, v: 3 });
    assert.deepEqual(await send(sender(2, { isDup: true }), '1', 'y/set'), { ok: true, v: 4 });
    assert.deepEqual(await send(sender(1, { isDup: true, username: 'ann' })), { ok: true, v: 5 });
    assert.deepEqual(await send(sender(1, { isDup: true, clientId: 'other' })), { ok: true, v: 6 });
    // It was never seen before, and came twice then.
    assert.deepEqual(await send(sender(1, { isDup: true, clientId: 'other' })), { ok: true, v: 6, repeated: true });
  });

  test('a client that was heard for more than a minute after a command has its acknowledgement: it means a later command', async (t) => {
    const { clock, send } = await desk(t);
    const connection = { heardUntil: null as number | null };
    await send(sender(1, { connection }));
    connection.heardUntil = clock.mono() + MINUTE;
    assert.equal((await send(sender(1, { isDup: true })))?.repeated, true);
    connection.heardUntil = clock.mono() + MINUTE + 1;
    assert.deepEqual(await send(sender(1, { isDup: true })), { ok: true, v: 2 });
  });

  test('what comes back after hours is known, and after a day it is another command', async (t) => {
    const { clock, send } = await desk(t);
    await send(sender(1));
    await clock.advanceAsync(23 * HOUR);
    assert.equal((await send(sender(1, { isDup: true })))?.repeated, true);
    await clock.advanceAsync(2 * HOUR);
    assert.deepEqual(await send(sender(1, { isDup: true })), { ok: true, v: 2 });
  });

  test('one sender can command as fast as it likes: the last 256 of each are remembered, and 2048 in all', async (t) => {
    const { send, count } = await desk(t);
    await send(sender(1, { clientId: 'calm' }));
    for (let packetId = 1; packetId <= 257; packetId++) await send(sender(packetId));
    assert.equal((await send(sender(1, { clientId: 'calm', isDup: true })))?.repeated, true);
    assert.equal((await send(sender(2, { isDup: true })))?.repeated, true);
    assert.equal((await send(sender(1, { isDup: true })))?.repeated, undefined);
    const before = count();
    for (let client = 0; client < 2048; client++) await send(sender(1, { clientId: `c${client}` }));
    assert.equal(count(), before + 2048);
    assert.equal((await send(sender(1, { clientId: 'calm', isDup: true })))?.repeated, undefined);
    assert.equal((await send(sender(1, { clientId: 'c2000', isDup: true })))?.repeated, true);
  });

  test('of earlier runs the last 1024 are known, however many there were', async (t) => {
    const documents = new Documents();
    const first = await desk(t, documents);
    for (let client = 0; client < 1030; client++) await first.send(sender(1, { clientId: `c${client}` }));
    assert.equal(documents.kept.size, 1024);
    const second = await desk(t, documents);
    assert.deepEqual(await second.send(sender(1, { clientId: 'c6', isDup: true })), { ok: true, v: 7, repeated: true });
    assert.deepEqual(await second.send(sender(1, { clientId: 'c5', isDup: true })), { ok: true, v: 1 });
    // It goes on behind them.
    const third = await desk(t, documents);
    assert.equal((await third.send(sender(1, { clientId: 'c5', isDup: true })))?.repeated, true);
    assert.equal((await third.send(sender(1, { clientId: 'c7', isDup: true })))?.repeated, true);
    assert.equal((await third.send(sender(1, { clientId: 'c6', isDup: true })))?.repeated, undefined);
  });

  test('a disk that refuses, and one that does not answer, keep nobody from commanding', async (t) => {
    class Broken extends Documents {
      override put(): Promise<void> {
        return Promise.reject(new Error('the disk is full'));
      }
      override list<T>(): Promise<{ key: string; value: T }[]> {
        return Promise.reject(new Error('it can not be read'));
      }
    }
    const broken = await desk(t, new Broken());
    assert.deepEqual(await broken.send(sender(1)), { ok: true, v: 1 });
    assert.equal((await broken.send(sender(1, { isDup: true })))?.repeated, true);
    class Slow extends Documents {
      override put(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const slow = await desk(t, new Slow());
    const answered = slow.send(sender(1));
    assert.equal(slow.count(), 0);
    await slow.clock.advanceAsync(1999);
    assert.equal(slow.count(), 0);
    await slow.clock.advanceAsync(1);
    assert.deepEqual(await answered, { ok: true, v: 1 });
  });
});

test('bytes for a line in raw mode that are sent again are not sent twice, and an answer is no bytes to send', {
  skip: needs('socat'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  await instrument.answer('go', 'gone');
  const { field, messages } = await startField(t, {
    buses: [{ name: 'l', type: 'serial', port: cable.ours }],
    devices: [{ name: 'd', bus: 'l', decode: { type: 'raw', tx: 'field/{device}/tx' } }],
  });
  await waitFor(() => field.buses()[0]?.state === 'running');
  messages.send('field/d/tx', 'go', { sender: sender(3) });
  await waitFor(() => messages.on('field/d/rx').length === 1);
  messages.send('field/d/tx', 'go', { sender: sender(3, { isDup: true }) });
  await waitFor(() => messages.on('field/d/tx/result').length === 2);
  assert.deepEqual(messages.last('field/d/tx/result'), { ok: true, bytes: 2, repeated: true });
  for (const responseTopic of ['field/d/tx', 'field/d/rx', 'field/d/tx/result']) {
    messages.send('field/d/tx', 'go', { sender: sender(4), properties: { responseTopic } });
  }
  messages.send('field/d/tx', 'go', { sender: sender(5, { mayPublish: () => false }), properties: { responseTopic: 'robot/start' } });
  await waitFor(() => messages.on('field/d/tx/result').length === 6);
  const codes = messages.json('field/d/tx/result').map((answer) => (answer as unknown as { code?: string }).code);
  assert.deepEqual(
    codes.filter((code) => code !== undefined),
    ['FER_FIELD_RESPONSE_TOPIC'],
  );
  assert.equal(messages.on('field/d/tx').length, 6);
  assert.equal(messages.on('robot/start').length, 0);
});

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { Messages, startField } from './support.js';

const TIMEOUT = 300;
const TAGS = [
  { name: 'a', area: 'holding', address: 0, access: 'read_write' },
  { name: 'b', area: 'holding', address: 1, access: 'read_write' },
  { name: 'run', area: 'coil', address: 4, access: 'read_write' },
  { name: 'seen', area: 'holding', address: 50 },
];

const tcp = (port: number) => ({ name: 'bus', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: `${TIMEOUT}ms` });
const line = (port: string) => ({ name: 'bus', type: 'modbus_rtu', port, baud: 115_200, timeout: `${TIMEOUT}ms`, retries: 0 });

function plant(bus: object, tags: object[] = TAGS, more: object = {}) {
  return { buses: [bus], devices: [{ name: 'd', bus: 'bus', scan: { fast: '50ms' }, tags, ...more }] };
}

async function started(t: TestContext, config: object) {
  const { field, messages } = await startField(t, config);
  await messages.until('field/d/$state', ({ state }) => state === 'online');
  return { field, messages };
}

/** A scripted device that answers every write with an exception, or as `respond` says. */
async function stubborn(t: TestContext, respond: (asked: Asked) => void, tags: object[] = TAGS, more: object = {}) {
  const device = await ScriptedDevice.start(t, (asked) => ((asked.pdu[0] ?? 0) > 4 ? respond(asked) : honest(asked)));
  const running = await started(t, plant(tcp(device.port), tags, more));
  return { ...running, device, writes: () => device.asked.filter(({ pdu }) => (pdu[0] ?? 0) > 4).map(({ pdu }) => pdu.toString('hex')) };
}

const exception = (code: number) => (asked: Asked) =>
  asked.socket.write(message(asked.id, asked.unit, Buffer.from([(asked.pdu[0] ?? 0) | 0x80, code])));

const codeOf = (code: string) => ({ code });

for (const [kind, peers, count] of [
  ['TCP', needs('python3-pymodbus'), 200],
  ['RTU', needs('python3-pymodbus', 'socat'), 60],
] as const) {
  describe(`writes over ${kind}, with a pymodbus server`, { skip: peers }, () => {
    async function start(t: TestContext, tags: object[] = TAGS, more: object = {}) {
      if (kind === 'TCP') {
        const server = await PymodbusServer.start(t, 0);
        return { server, ...(await started(t, plant(tcp(server.port), tags, more))) };
      }
      const cable = await SerialPair.open(t);
      const server = await PymodbusServer.start(t, cable.theirs);
      return { server, ...(await started(t, plant(line(cable.ours), tags, more))) };
    }

    test(`${count} writes at once, while it is scanned: all are carried out, once, in order, and values go on coming`, async (t) => {
      const { server, field, messages } = await start(t);
      const expected: string[] = [];
      for (let i = 1; i <= count; i++) {
        const tag = (['a', 'b', 'run'] as const)[i % 3]!;
        messages.send(`field/d/${tag}/set`, tag === 'run' ? `${i % 2 === 1}` : `{"v": ${i}, "id": ${i}}`);
        expected.push(tag === 'run' ? `1:5:4=${i % 2}` : `1:6:${tag === 'a' ? 0 : 1}=${i}`);
      }
      const results = () => ['a', 'b', 'run'].flatMap((tag) => messages.on(`field/d/${tag}/set/result`));
      await waitFor(() => results().length === count, { timeout: 20_000, message: () => `${results().length} results` });
      assert.ok(results().every(({ payload }) => (JSON.parse(payload.toString()) as { ok: boolean }).ok));
      assert.deepEqual(await server.writes(), expected);
      // Scans go on, and find what was written last.
      await server.set(1, 'holding', 50, 4711);
      await messages.until('field/d/seen', ({ v }) => v === 4711);
      const last = (tag: number) => Math.max(...Array.from({ length: count }, (_, index) => index + 1).filter((i) => i % 3 === tag));
      await messages.until('field/d/a', ({ v }) => v === last(0));
      await messages.until('field/d/b', ({ v }) => v === last(1));
      assert.equal(field.device('d')?.state, 'online');
    });

    test('writes of several clients beside scans and reads of the same value end in the state of the last one', async (t) => {
      const { server, field } = await start(t);
      const outcomes = await Promise.all(Array.from({ length: 40 }, (_, index) => field.write('d', index % 2 ? 'a' : 'b', index)));
      assert.deepEqual(
        outcomes.map(({ value }) => value),
        Array.from({ length: 40 }, (_, index) => index),
      );
      assert.deepEqual(await server.get(1, 'holding', 0, 2), [39, 38]);
    });

    test('an answer that is lost: the outcome is unknown, the write is not repeated, the next ones arrive', async (t) => {
      const { server, field, messages } = await start(t);
      await server.lose(1);
      messages.send('field/d/a/set', '{"v": 7, "id": "x"}');
      const result = await messages.until('field/d/a/set/result', () => true);
      assert.deepEqual([result.ok, result.code, result.outcome, result.id], [false, 'FER_FIELD_WRITE_UNCONFIRMED', 'unknown', 'x']);
      // It did arrive, and the next scans say so.
      await messages.until('field/d/a', ({ v, q }) => v === 7 && q === 'good');
      await field.write('d', 'b', 8);
      await server.set(1, 'holding', 50, 1);
      await messages.until('field/d/seen', ({ v, q }) => v === 1 && q === 'good');
      assert.deepEqual(await server.writes(), ['1:6:0=7', '1:6:1=8']);
    });

    test('bits are written with FC 22 where the device knows it', async (t) => {
      const bits = [{ name: 'bit', area: 'holding', address: 9, bit: 3, access: 'read_write', write: { read_back: true } }];
      const { server, field } = await start(t, bits, { mask_write: true });
      await server.set(1, 'holding', 9, 0xa5a0);
      assert.deepEqual(await field.write('d', 'bit', true), { value: true });
      assert.deepEqual(await server.get(1, 'holding', 9, 1), [0xa5a8]);
      assert.deepEqual(await field.write('d', 'bit', false), { value: false });
      assert.deepEqual(await server.get(1, 'holding', 9, 1), [0xa5a0]);
      assert.deepEqual(await server.writes(), [`1:22:9=${0xfff7},8`, `1:22:9=${0xfff7},0`]);
    });
  });
}

test('a write to a unit behind an open breaker fails at once, with the reason, and is no probe', {
  skip: needs('python3-pymodbus', 'socat'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  await PymodbusServer.start(t, cable.theirs, [1]);
  const both = plant(line(cable.ours));
  const { field, messages } = await startField(t, { ...both, devices: [...both.devices, { ...both.devices[0], name: 'gone', unit: 9 }] });
  await waitFor(() => (field.device('gone')?.counters.timeouts ?? 0) >= 3);
  await waitFor(() => field.device('gone')?.state === 'offline');
  // Long enough for a probe to be due: it must be a read's.
  for (let i = 0; i < 10; i++) {
    const before = performance.now();
    await assert.rejects(field.write('gone', 'a', 5), {
      code: 'FER_FIELD_NO_ANSWER',
      message: /gone\/a was not written: unit 9 does not answer; it is asked again in \d+ s/,
    });
    const took = performance.now() - before;
    assert.ok(took < TIMEOUT, `${took} ms`);
    await new Promise((done) => setTimeout(done, 150));
  }
  messages.send('field/gone/a/set', '5');
  const result = await messages.until('field/gone/a/set/result', () => true);
  assert.deepEqual([result.ok, result.outcome], [false, 'none']);
});

describe('writes that go wrong', () => {
  test('a connection that is lost under a write: the outcome is unknown, and it is not sent again', async (t) => {
    const { field, device, writes, messages } = await stubborn(t, ({ socket }) => socket.destroy());
    await assert.rejects(field.write('d', 'a', 1), codeOf('FER_FIELD_WRITE_UNCONFIRMED'));
    await waitFor(() => device.connections === 2);
    await messages.until('field/d/$state', ({ state }) => state === 'online');
    const asked = device.asked.length;
    await waitFor(() => device.asked.length > asked + 5);
    assert.equal(writes().length, 1);
  });

  test('writes that wait when the connection is lost are not sent after it is back', async (t) => {
    const { field, device, writes, messages } = await stubborn(t, ({ socket }) => socket.destroy());
    const outcomes = await Promise.allSettled([field.write('d', 'a', 1), field.write('d', 'a', 2), field.write('d', 'b', 3)]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code),
      ['FER_FIELD_WRITE_UNCONFIRMED', 'FER_FIELD_NO_ANSWER', 'FER_FIELD_NO_ANSWER'],
    );
    await waitFor(() => device.connections === 2);
    await messages.until('field/d/$state', ({ state }) => state === 'online');
    assert.equal(writes().length, 1);
  });

  for (const [code, expected] of [
    [2, 'FER_FIELD_REFUSED'],
    [3, 'FER_FIELD_REFUSED'],
    [6, 'FER_FIELD_REFUSED'],
    [10, 'FER_FIELD_REFUSED'],
    [5, 'FER_FIELD_WRITE_UNCONFIRMED'],
    [11, 'FER_FIELD_WRITE_UNCONFIRMED'],
  ] as const) {
    test(`exception ${code} is ${expected}, sent once`, async (t) => {
      const { field, writes } = await stubborn(t, exception(code));
      await assert.rejects(field.write('d', 'a', 1), { code: expected, message: new RegExp(`exception ${code}`) });
      assert.equal(writes().length, 1);
    });
  }

  test('an answer that repeats another value or address is no confirmation', async (t) => {
    const { field } = await stubborn(t, (asked) => {
      const pdu = Buffer.from(asked.truth);
      pdu.writeUInt16BE(pdu.readUInt16BE(3) + 1, 3);
      asked.socket.write(message(asked.id, asked.unit, pdu));
    });
    await assert.rejects(field.write('d', 'a', 1), codeOf('FER_FIELD_WRITE_UNCONFIRMED'));
  });

  const checks: [string, string, unknown, string][] = [
    ['a tag that may only be read', 'seen', 1, 'FER_FIELD_READ_ONLY'],
    ['1.5 into an integer', 'a', 1.5, 'FER_FIELD_BAD_VALUE'],
    ['not a number', 'a', 'NaN', 'FER_FIELD_BAD_VALUE'],
    ['out of range', 'a', 65536, 'FER_FIELD_BAD_VALUE'],
    ['neither true nor false', 'run', 2, 'FER_FIELD_BAD_VALUE'],
    ['an unknown tag', 'nothing', 1, 'FER_FIELD_UNKNOWN_TAG'],
  ];
  test('what is refused never reaches the device', async (t) => {
    const { field, writes } = await stubborn(t, honest);
    for (const [name, tag, value, code] of checks) await assert.rejects(field.write('d', tag, value as number), { code }, name);
    assert.deepEqual(writes(), []);
  });
});

test('a scaled 64-bit tag takes its largest value over a set topic, as text and as a bare number', {
  skip: needs('python3-pymodbus'),
}, async (t) => {
  const server = await PymodbusServer.start(t, 0, [1]);
  const { messages } = await startField(t, {
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }],
    devices: [
      { name: 'd', bus: 'b', tags: [{ name: 'a', area: 'holding', address: 20, type: 'int64', scale: 0.0001, access: 'read_write' }] },
    ],
  });
  await messages.until('field/d/a', ({ q }) => q === 'good');
  for (const [payload, registers] of [
    ['{"v": "922337203685477.5807", "id": 1}', [0x7fff, 0xffff, 0xffff, 0xffff]],
    ['922337203685477.5806', [0x7fff, 0xffff, 0xffff, 0xfffe]],
  ] as const) {
    const before = messages.on('field/d/a/set/result').length;
    messages.send('field/d/a/set', payload);
    await waitFor(() => messages.on('field/d/a/set/result').length > before);
    assert.equal(messages.last('field/d/a/set/result')?.ok, true, JSON.stringify(messages.last('field/d/a/set/result')));
    assert.deepEqual(await server.get(1, 'holding', 20, 4), registers);
  }
  messages.send('field/d/a/set', '{"v": 922337203685477.5807}');
  const refused = await messages.until('field/d/a/set/result', ({ ok }) => ok === false);
  assert.match(JSON.stringify(refused), /exact as a number; send it as a text of digits/);
});

/** The scripted device holds address + 1 in every register whatever is written: register 0x000f holds 15. */
describe('reading back', () => {
  const tag = (more: object) => [{ name: 'a', area: 'holding', address: 15, access: 'read_write', write: { read_back: true }, ...more }];

  test('the same value is the value of the tag at once', async (t) => {
    const { field } = await stubborn(t, honest, tag({ scale: 0.1 }));
    assert.deepEqual(await field.write('d', 'a', 1.5), { value: 1.5 });
  });

  test('another value is an error that names both', async (t) => {
    const { field, messages } = await stubborn(t, honest, tag({}));
    await assert.rejects(field.write('d', 'a', 16), { code: 'FER_FIELD_READ_BACK', message: 'd/a: 16 was written, 15 was read back.' });
    messages.send('field/d/a/set', '16');
    const { outcome } = await messages.until('field/d/a/set/result', () => true);
    assert.equal(outcome, 'different');
  });

  test('within the tolerance it is what the device made of it', async (t) => {
    const { field } = await stubborn(t, honest, tag({ scale: 0.1, write: { read_back: true, tolerance: 0.1 } }));
    assert.deepEqual(await field.write('d', 'a', 1.6), { value: 1.5 });
    await assert.rejects(field.write('d', 'a', 1.7), codeOf('FER_FIELD_READ_BACK'));
  });

  test('one off in a large integer is not the same', async (t) => {
    // Registers 15 and 16: 983056.
    const { field } = await stubborn(t, honest, tag({ type: 'uint32' }));
    assert.deepEqual(await field.write('d', 'a', 983_056), { value: 983_056 });
    await assert.rejects(field.write('d', 'a', 983_057), codeOf('FER_FIELD_READ_BACK'));
  });

  test('a number that is written where the tag has names is compared as what it is', async (t) => {
    const { field } = await stubborn(t, honest, tag({ enum: { '15': 'auto', '16': 'hand' } }));
    assert.deepEqual(await field.write('d', 'a', 15), { value: 'auto' });
    assert.deepEqual(await field.write('d', 'a', 'auto'), { value: 'auto' });
    await assert.rejects(field.write('d', 'a', 'hand'), { message: 'd/a: hand was written, auto was read back.' });
  });

  test('a read that fails leaves the outcome unknown', async (t) => {
    let isWritten = false;
    const device = await ScriptedDevice.start(t, (asked) => {
      if ((asked.pdu[0] ?? 0) > 4) isWritten = true;
      if (isWritten && (asked.pdu[0] ?? 0) <= 4) exception(4)(asked);
      else honest(asked);
    });
    const { field } = await started(t, plant(tcp(device.port), tag({})));
    await assert.rejects(field.write('d', 'a', 15), {
      code: 'FER_FIELD_WRITE_UNCONFIRMED',
      message: /it was confirmed, but could not be read back: exception 4/,
    });
  });
});

describe('requests on set topics', () => {
  test('one with the id of the last, and its value, is the same one, sent again: it is answered and not carried out', async (t) => {
    const { messages, writes } = await stubborn(t, honest);
    const properties = { responseTopic: 'me/answers', correlationData: Buffer.from('7') };
    for (let i = 0; i < 3; i++) messages.send('field/d/a/set', '{"v": 1, "id": "o1"}', { properties });
    await waitFor(() => messages.on('me/answers').length === 3);
    assert.deepEqual(messages.json('me/answers') as unknown[], [
      { ok: true, v: 1, id: 'o1' },
      { ok: true, v: 1, id: 'o1', repeated: true },
      { ok: true, v: 1, id: 'o1', repeated: true },
    ]);
    assert.equal(writes().length, 1);
    // The same id with another value, and another id with the same value, are new ones.
    messages.send('field/d/a/set', '{"v": 2, "id": "o1"}');
    messages.send('field/d/a/set', '{"v": 2, "id": "o2"}');
    messages.send('field/d/a/set', '2');
    messages.send('field/d/a/set', '2');
    await waitFor(() => messages.on('field/d/a/set/result').length === 7);
    assert.equal(writes().length, 5);
  });

  test('one that came to nothing may be sent again with its id; one whose outcome is unknown is not repeated', async (t) => {
    let answer: (asked: Asked) => void = exception(6);
    const { messages, writes } = await stubborn(t, (asked) => answer(asked));
    const results = () => messages.json('field/d/a/set/result') as unknown as { outcome?: string; repeated?: boolean }[];
    messages.send('field/d/a/set', '{"v": 1, "id": 1}');
    await waitFor(() => results().length === 1);
    answer = exception(11);
    messages.send('field/d/a/set', '{"v": 1, "id": 1}');
    await waitFor(() => results().length === 2);
    messages.send('field/d/a/set', '{"v": 1, "id": 1}');
    await waitFor(() => results().length === 3);
    assert.deepEqual(
      results().map(({ outcome, repeated }) => [outcome, repeated]),
      [
        ['none', undefined],
        ['unknown', undefined],
        ['unknown', true],
      ],
    );
    assert.equal(writes().length, 2);
  });

  test('an answer is never given where it would be a value or a command', async (t) => {
    const { messages, writes } = await stubborn(t, honest);
    const places = ['field/d/b/set', 'field/d/b', 'field/d/$state', 'field/d/b/set/result', '$SYS/x', 'a/+', 'me/answers'];
    for (const responseTopic of places) messages.send('field/d/a/set', '3', { properties: { responseTopic } });
    await messages.until('me/answers', ({ ok }) => ok === true);
    assert.deepEqual(
      places.filter((place) => messages.on(place).some(({ payload }) => payload.includes('"ok"'))),
      ['me/answers'],
    );
    assert.equal(writes().length, places.length);
  });

  test('a retained one of before is refused at the start and carried out by no scan', async (t) => {
    const device = await ScriptedDevice.start(t);
    const messages = new Messages();
    messages.send('field/d/a/set', '{"v": 1, "id": "old"}', { retain: true });
    await startField(t, plant(tcp(device.port)), messages);
    const { ok, outcome, id } = await messages.until('field/d/a/set/result', () => true);
    assert.deepEqual([ok, outcome, id], [false, 'none', 'old']);
    await messages.until('field/d/$state', ({ state }) => state === 'online');
    assert.ok(device.asked.every(({ pdu }) => (pdu[0] ?? 0) <= 4));
  });

  for (const [payload, reason] of [
    ['', /empty/],
    ['null', /null is no value/],
    ['[1]', /neither a value nor/],
    ['{"x": 1}', /no "v"/],
    ['{"v": 9007199254740993}', /not exact in JSON/],
    ['{"v": 1e400}', /no number/],
    ['{"v": {"v": 1}}', /no "v"/],
  ] as const) {
    test(`${JSON.stringify(payload)} is refused in words`, async (t) => {
      const { messages, writes } = await stubborn(t, honest);
      messages.send('field/d/a/set', payload);
      const { error, outcome } = await messages.until('field/d/a/set/result', () => true);
      assert.match(String(error), reason);
      assert.deepEqual([outcome, writes()], ['none', []]);
    });
  }
});

test('Who asks for a tag that is not there is told, also on a response topic', async (t) => {
  const device = await ScriptedDevice.start(t, honest);
  const { messages } = await started(t, plant(tcp(device.port)));
  const topic = 'field/d/nosuch/set';
  await messages.publish({
    topic,
    payload: Buffer.from('{"v":1,"id":7}'),
    qos: 1,
    retain: false,
    properties: { responseTopic: 'me/answers' },
  });
  for (const place of [`${topic}/result`, 'me/answers']) {
    const { error, ...rest } = await messages.until(place, () => true);
    assert.deepEqual(
      [rest, /no such tag/.test(String(error))],
      [{ ok: false, code: 'FER_FIELD_UNKNOWN_TAG', outcome: 'none', id: 7 }, true],
    );
  }
});

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { SerialPort } from 'serialport';
import type { Link } from '../../src/field/link/link.js';
import { readPort } from '../../src/field/link/port-reader.js';
import { SerialOpener } from '../../src/field/link/serial.js';
import { Loggers, silentLogger } from '../../src/log.js';
import { ScriptedInstrument } from '../peers/instrument.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { waitFor, within } from '../support/wait-for.js';
import { type Running, startField } from './support.js';

interface Setup extends Running {
  instrument: ScriptedInstrument;
  cable: SerialPair;
}

async function setup(t: TestContext, device: Record<string, unknown>): Promise<Setup> {
  const cable = await SerialPair.open(t);
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  const running = await startField(t, {
    buses: [{ name: 'line', type: 'serial', port: cable.ours, baud: 9600 }],
    devices: [{ name: 'scale', bus: 'line', frame: { type: 'delimiter', end: '\r\n', max: 64 }, ...device }],
  });
  await waitFor(() => running.field.buses()[0]?.state === 'running');
  return { ...running, instrument, cable };
}

/** Sends a first line, which may have been joined midway and may be dropped, until the instrument is heard. */
async function settle({ field, instrument }: Setup, line: string): Promise<void> {
  await waitFor(
    async () => {
      await instrument.send(line);
      return field.device('scale')?.state === 'online';
    },
    { interval: 50 },
  );
}

const WEIGHT = { type: 'regex', pattern: '^ST,GS,\\s*(?<weight>[-+0-9.]+)kg$', fields: [{ name: 'weight', type: 'float', unit: 'kg' }] };

describe('serial instruments, over a socat pair', { skip: needs('socat') }, () => {
  test('a line that fits the pattern becomes a value; it may come byte by byte', async (t) => {
    const all = await setup(t, { decode: WEIGHT });
    await settle(all, 'ST,GS, 1.0kg\r\n');
    await all.instrument.slow('ST,GS,  12.5kg\r\n');
    const value = await all.messages.until('field/scale/weight', ({ v }) => v === 12.5);
    assert.equal(value.q, 'good');
  });

  test('garbage, other lines and overlong lines are dropped, and the next line is right', async (t) => {
    const all = await setup(t, { decode: WEIGHT });
    await settle(all, 'ST,GS, 1kg\r\n');
    const { instrument, messages, field } = all;
    await instrument.send(Buffer.from([0xff, 0xfe, 0x00, 0x31, 0x0d, 0x0a]));
    await instrument.send(`ST,GS, ${'9'.repeat(300)}kg\r\n`);
    await instrument.send('US,GS, 99kg\r\n');
    // The delimiter in two pieces.
    await instrument.send('ST,GS, 2kg\r');
    await instrument.send('\nST,GS, 3kg\r\n');
    await messages.until('field/scale/weight', ({ v }) => v === 3);
    assert.deepEqual(
      messages.json('field/scale/weight').flatMap(({ v, q }) => (q === 'good' ? [v] : [])),
      [1, 2, 3],
    );
    assert.equal(field.device('scale')?.counters.crcErrors, 2);
  });

  test('the rest of a line that had begun before the port was opened is dropped', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await instrument.send('ST,GS, 11');
    const { field, messages } = await startField(t, {
      buses: [{ name: 'line', type: 'serial', port: cable.ours }],
      devices: [
        { name: 'scale', bus: 'line', decode: { type: 'text', fields: [{ name: 'weight', type: 'float' }] }, frame: { type: 'delimiter' } },
      ],
    });
    await waitFor(() => field.buses()[0]?.state === 'running');
    await instrument.send('2.5\n');
    await instrument.send('113.5\n');
    await messages.until('field/scale/weight', ({ v }) => v === 113.5);
    assert.deepEqual(
      messages.json('field/scale/weight').flatMap(({ v, q }) => (q === 'good' ? [v] : [])),
      [113.5],
    );
  });

  test('JSON lines become values, and a missing or wrong member is bad', async (t) => {
    const fields = [{ name: 't' }, { name: 'rh', path: 'air.rh' }, { name: 'on', type: 'bool' }];
    const all = await setup(t, { decode: { type: 'json', fields } });
    await settle(all, '{"t":20.5,"air":{"rh":40},"on":true}\r\n');
    assert.equal(all.messages.last('field/scale/rh')?.v, 40);
    assert.equal(all.messages.last('field/scale/on')?.v, true);
    await all.instrument.send('{"t":"hot","on":false}\r\n');
    const wrong = await all.messages.until('field/scale/t', ({ q }) => q === 'bad');
    assert.deepEqual([wrong.v, wrong.reason], [20.5, 'not_a_number']);
    assert.equal((await all.messages.until('field/scale/rh', ({ q }) => q === 'bad')).reason, 'missing');
    await all.messages.until('field/scale/on', ({ v }) => v === false);
  });

  test('CSV lines become values, and a line that was cut is dropped', async (t) => {
    const fields = [{ name: 'a' }, { name: 'b', type: 'string' }, { name: 'c', scale: 0.1, type: 'int' }];
    const all = await setup(t, { decode: { type: 'csv', separator: ';', fields } });
    await settle(all, '1.5;"x;y";30\r\n');
    await all.instrument.send('9;cut\r\n');
    await all.instrument.send('2.5;z;31\r\n');
    await all.messages.until('field/scale/a', ({ v }) => v === 2.5);
    const good = (tag: string) => all.messages.json(`field/scale/${tag}`).flatMap(({ v, q }) => (q === 'good' ? [v] : []));
    assert.deepEqual(
      [good('a'), good('b'), good('c')],
      [
        [1.5, 2.5],
        ['x;y', 'z'],
        [3, 3.1],
      ],
    );
  });

  test('an instrument that is asked answers; when it stops its values are bad, and good again when it is back', async (t) => {
    const all = await setup(t, {
      request: { poll: '?M!\r\n', every: '100ms', timeout: '80ms' },
      decode: { type: 'text', fields: [{ name: 'm', type: 'int' }] },
    });
    assert.equal((await all.messages.until('field/scale/m', ({ reason }) => reason === 'timeout')).q, 'bad');
    await all.instrument.answer('?M!\r\n', '42\r\n');
    await all.messages.until('field/scale/m', ({ v, q }) => v === 42 && q === 'good');
    await all.instrument.answer('?M!\r\n', 'E7\r\n');
    await all.messages.until('field/scale/m', ({ q, reason }) => q === 'bad' && reason === 'not_a_number');
  });

  test('an instrument that falls silent has stale values', async (t) => {
    const all = await setup(t, { stale_after: '300ms', decode: { type: 'text', fields: [{ name: 'm' }] } });
    await settle(all, '5\r\n');
    const stale = await all.messages.until('field/scale/m', ({ q }) => q === 'stale');
    assert.deepEqual([stale.v, stale.reason], [5, 'silent']);
    await all.instrument.send('5\r\n');
    await all.messages.until('field/scale/m', ({ q }) => q === 'good');
  });

  test('an adapter that is pulled makes its values bad, and is taken up again when it is back', async (t) => {
    const all = await setup(t, { decode: WEIGHT });
    await settle(all, 'ST,GS, 1kg\r\n');
    await all.cable.unplug();
    const bad = await all.messages.until('field/scale/weight', ({ q }) => q === 'bad');
    assert.deepEqual([bad.v, bad.reason], [1, 'bus_down']);
    await waitFor(() => /there is no/.test(all.field.buses()[0]?.lastError ?? ''));
    await all.cable.plug();
    const instrument = await ScriptedInstrument.start(t, all.cable.theirs);
    await settle({ ...all, instrument }, 'ST,GS, 2kg\r\n');
    await all.messages.until('field/scale/weight', ({ v, q }) => v === 2 && q === 'good');
  });
});

test('a cable that is pulled at any moment is noticed', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const { field } = await startField(t, {
    buses: [{ name: 'line', type: 'serial', port: cable.ours }],
    devices: [{ name: 'd', bus: 'line', frame: { type: 'delimiter' }, decode: { type: 'text', fields: [{ name: 'm', type: 'string' }] } }],
  });
  const state = () => field.buses()[0]?.state;
  await waitFor(() => state() === 'running');
  for (let round = 0; round < 3; round++) {
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    // It is pulled while data come, which is when a read is most likely under way.
    for (let line = 0; line < 5; line++) await instrument.send('x'.repeat(200));
    await cable.unplug();
    await waitFor(() => state() !== 'running', { timeout: 2000, message: `the loss in round ${round} to be noticed` });
    await cable.plug();
    // The pauses between tries grow up to 30 s where a port is lost again and again before it was heard.
    await waitFor(() => state() === 'running', { timeout: 35_000 });
  }
});

test('a read on a line that has hung up fails instead of spinning', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const port = new SerialPort({ path: cable.ours, baudRate: 9600, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  t.after(() => new Promise<void>((done) => port.close(() => done())));
  readPort(port);
  await cable.unplug();
  // Nobody was reading when it hung up: serialport's own read never ends here.
  const read = async () => {
    await port.port?.read(Buffer.alloc(16), 0, 16);
  };
  await assert.rejects(within(2000, 'the read to end', read()), /hung up|EIO|EBADF/);
});

test('where bytes with errors can not be told apart, the log says so, once', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const lines: { msg: string; port: string; error: string }[] = [];
  const log = new Loggers({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) }).for('field');
  const line = { port: cable.ours, baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow_control: 'none' } as const;
  const opener = new SerialOpener(line, log);
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nowhere';
  for (let opening = 0; opening < 2; opening++) {
    const link = await opener.open({ data: () => {}, closed: () => {} }, new AbortController().signal);
    await link.close();
  }
  assert.deepEqual([lines.length, lines[0]?.port], [1, cable.ours]);
  assert.match(String(lines[0]?.msg), /stty/);
  assert.match(String(lines[0]?.error), /ENOENT/);
});

describe('a port that is left alone', { skip: needs('socat') }, () => {
  async function open(t: TestContext): Promise<{ link: Link; cable: SerialPair; chunks: { text: string; at: number }[]; ends: string[] }> {
    const cable = await SerialPair.open(t);
    const chunks: { text: string; at: number }[] = [];
    const ends: string[] = [];
    const line = { port: cable.ours, baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow_control: 'none' } as const;
    const handlers = {
      data: (chunk: Buffer) => void chunks.push({ text: chunk.toString(), at: performance.now() }),
      closed: (error: Error) => void ends.push(error.message),
    };
    const link = await new SerialOpener(line, silentLogger).open(handlers, new AbortController().signal);
    t.after(() => link.close());
    return { link, cable, chunks, ends };
  }

  test('is not read byte by byte: what came meanwhile comes when its time is over', async (t) => {
    const { link, cable, chunks } = await open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await instrument.send('a');
    await waitFor(() => chunks.length === 1);
    const until = performance.now() + 500;
    link.pause?.(500);
    for (const text of ['b', 'c', 'd', 'e']) await instrument.send(text);
    await waitFor(() => chunks.map(({ text }) => text).join('') === 'abcde');
    // The read that was under way sees what comes first; nothing is looked at after it.
    const meanwhile = chunks.slice(1).filter(({ at }) => at < until - 2);
    assert.ok(meanwhile.length <= 1, `${meanwhile.length} reads`);
  });

  test('is noticed when it hangs up meanwhile', async (t) => {
    const { link, cable, ends } = await open(t);
    link.pause?.(300);
    await cable.unplug();
    await waitFor(() => ends.length === 1);
  });

  test('can be closed meanwhile', async (t) => {
    const { link, cable, chunks, ends } = await open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    link.pause?.(60_000);
    await instrument.send('a');
    await waitFor(() => chunks.length === 1);
    await within(5000, 'the port to close', link.close());
    assert.deepEqual(ends, []);
  });
});

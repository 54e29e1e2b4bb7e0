import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineTiming } from '../../src/field/modbus/line.js';
import { addressOf } from '../../src/field/modbus/pdu.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { TcpTransport } from '../../src/field/modbus/tcp-transport.js';
import { FrameTap, type TapFrame } from '../../src/field/tap.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink, noticed, registers, tcp } from './fake-link.js';

const TIMEOUT = 500;
const READ = { fn: 3, unit: 1, address: 10, count: 1 } as const;

function setup(kind: 'rtu' | 'tcp') {
  const clock = new ManualClock();
  const tap = new FrameTap(clock);
  const frames: string[] = [];
  const unwatch = tap.watch((frame) => frames.push(textOf(frame)));
  const events = { ...noticed(), tap };
  const link = new FakeLink();
  const transport =
    kind === 'rtu'
      ? new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: lineTiming(19200, 11), events })
      : new TcpTransport({ clock, timeoutMs: TIMEOUT, maxInflight: 4, events });
  transport.attach(link);
  const read = () =>
    transport.exchange(READ).then(
      (answer) => answer.kind,
      () => 'failed',
    );
  return { clock, tap, frames, unwatch, link, transport, read };
}

function textOf({ direction, bytes, pdu, unit, request, error }: TapFrame): string {
  const parts = [direction, error ?? 'right', `unit ${unit}`, pdu === null ? `${bytes.length} bytes` : pdu.toString('hex')];
  return `${parts.join(', ')}${request === null ? '' : `, of ${addressOf(request)}`}`;
}

describe('The frame tap', () => {
  test('tells request and answer of an RTU line with what belongs together', async () => {
    const { clock, frames, transport, read } = setup('rtu');
    const answer = read();
    await clock.advanceAsync(10);
    transport.receive(registers(1, 42));
    assert.equal(await answer, 'data');
    assert.deepEqual(frames, ['out, right, unit 1, 03000a0001, of 10', 'in, right, unit 1, 0302002a, of 10']);
  });

  test('tells a missing answer, and the late one as late', async () => {
    const { clock, frames, transport, read } = setup('rtu');
    const answer = read();
    await clock.advanceAsync(TIMEOUT + 100);
    assert.equal(await answer, 'failed');
    transport.receive(registers(1, 42));
    assert.deepEqual(frames.slice(1), ['in, timeout, unit 1, 0 bytes, of 10', 'in, late, unit 1, 0302002a, of 10']);
  });

  test('tells garbled bytes once, also where they are dropped later', async () => {
    const { clock, frames, transport, read } = setup('rtu');
    const answer = read();
    await clock.advanceAsync(10);
    transport.receive(Buffer.from([9, 9, 9]));
    await clock.advanceAsync(TIMEOUT + 100);
    assert.equal(await answer, 'failed');
    void read();
    await clock.advanceAsync(TIMEOUT);
    assert.deepEqual(
      frames.filter((frame) => frame.startsWith('in')),
      ['in, crc, unit 1, 3 bytes, of 10'],
    );
  });

  test('tells bytes that nobody asked for', () => {
    const { frames, transport } = setup('rtu');
    transport.receive(registers(7, 1));
    assert.deepEqual(frames, ['in, unexpected, unit null, 7 bytes']);
  });

  test('tells the frames of Modbus TCP: answers, late ones, and those that break the protocol', async () => {
    const { clock, frames, link, transport, read } = setup('tcp');
    const first = read();
    transport.receive(tcp(link.last.readUInt16BE(0), 1, 3, 2, 0, 42));
    assert.equal(await first, 'data');
    const second = read();
    const late = link.last.readUInt16BE(0);
    await clock.advanceAsync(TIMEOUT + 10);
    assert.equal(await second, 'failed');
    transport.receive(tcp(late, 1, 3, 2, 0, 43));
    const third = read();
    transport.receive(tcp(link.last.readUInt16BE(0), 2, 3, 2, 0, 44));
    assert.equal(await third, 'failed');
    assert.deepEqual(
      frames.filter((frame) => frame.startsWith('in')),
      [
        'in, right, unit 1, 0302002a, of 10',
        'in, timeout, unit 1, 0 bytes, of 10',
        'in, late, unit 1, 0302002b, of 10',
        'in, protocol, unit 2, 0302002c, of 10',
      ],
    );
  });

  test('keeps what it told, also where the transport goes on with the same memory', () => {
    const tap = new FrameTap(new ManualClock());
    const told: TapFrame[] = [];
    tap.watch((frame) => told.push(frame));
    const bytes = Buffer.from([1, 2, 3]);
    tap.tell({ direction: 'in', bytes, pdu: bytes.subarray(1), unit: 1, request: null, error: null });
    bytes.fill(0);
    assert.deepEqual(
      [[...told[0]!.bytes], [...told[0]!.pdu!]],
      [
        [1, 2, 3],
        [2, 3],
      ],
    );
  });

  test('is not watched any more when the last one has left', () => {
    const { tap, unwatch } = setup('rtu');
    assert.equal(tap.isWatched, true);
    unwatch();
    unwatch();
    assert.equal(tap.isWatched, false);
  });

  test('takes sixteen watchers and says so to the seventeenth', () => {
    const tap = new FrameTap(new ManualClock());
    for (let i = 0; i < 16; i++) tap.watch(() => {});
    assert.throws(() => tap.watch(() => {}), { code: 'FER_FIELD_WATCH' });
  });
});

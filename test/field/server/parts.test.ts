import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AllowList, plainAddress } from '../../../src/field/server/allow-list.js';
import { rtuFraming } from '../../../src/field/server/framing.js';
import { RequestRate } from '../../../src/field/server/rate.js';
import { TroubleLog } from '../../../src/field/server/trouble-log.js';
import { Loggers } from '../../../src/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { rtu } from '../fake-link.js';
import { ScriptedDevice } from '../scripted-device.js';
import { RawMaster, startServing } from './support.js';

describe('the log of strangers', () => {
  function setup() {
    const lines: { address: string; again?: number }[] = [];
    const loggers = new Loggers({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line) as { address: string }) });
    const clock = new ManualClock();
    return { lines, clock, trouble: new TroubleLog(clock, loggers.for('field')) };
  }

  test('One address is named once a minute, with how often it came in between', () => {
    const { lines, clock, trouble } = setup();
    for (let i = 0; i < 50; i++) trouble.warn('denied', '192.0.2.9', 'no');
    assert.equal(lines.length, 1);
    clock.advance(60_001);
    trouble.warn('denied', '192.0.2.9', 'no');
    assert.deepEqual(
      lines.map(({ again }) => again),
      [undefined, 49],
    );
  });

  test('Many addresses do not fill the log either', () => {
    const { lines, clock, trouble } = setup();
    for (let i = 0; i < 1000; i++) trouble.warn('denied', `2001:db8::${i}`, 'no');
    assert.equal(lines.length, 20);
    clock.advance(60_001);
    trouble.warn('denied', '2001:db8::ffff', 'no');
    assert.equal(lines.length, 21);
  });
});

describe('addresses', () => {
  test('Ranges of both families hold what is in them, and nothing else', () => {
    const list = new AllowList(['10.1.0.0/16', '192.0.2.7', 'fd00::/8']);
    for (const address of ['10.1.255.255', '192.0.2.7', 'fd12::1', plainAddress('::ffff:10.1.2.3'), plainAddress('fd00::1%eth0')]) {
      assert.ok(list.allows(address), address);
    }
    for (const address of ['10.2.0.0', '192.0.2.8', 'fe80::1', '127.0.0.1', '::1', '']) assert.ok(!list.allows(address), address);
  });

  test('Without a list only this machine is let in', () => {
    const list = new AllowList();
    assert.ok(list.allows('127.0.0.1') && list.allows('::1'));
    assert.ok(!list.allows('192.168.0.2') && !list.allows('fe80::1'));
  });
});

test('A rate lets a second’s worth through at once, then one after the other', () => {
  const clock = new ManualClock();
  const rate = new RequestRate(10, clock);
  for (let i = 0; i < 10; i++) assert.equal(rate.take(), 0);
  assert.equal(rate.take(), 100);
  clock.advance(100);
  assert.equal(rate.take(), 0);
  assert.equal(rate.take(), 100);
  clock.advance(60_000);
  for (let i = 0; i < 10; i++) assert.equal(rate.take(), 0);
  assert.ok(rate.take() > 0);
});

describe('RTU frames of masters', () => {
  const FRAMES: [string, number[]][] = [
    ['a read', [1, 3, 0, 0, 0, 2]],
    ['a write of registers', [1, 16, 0, 0, 0, 1, 2, 0, 7]],
    ['a mask write', [1, 22, 0, 4, 0, 0xf2, 0, 0x25]],
    ['read and write', [1, 23, 0, 3, 0, 1, 0, 14, 0, 1, 2, 0, 255]],
    ['device identification', [1, 43, 14, 1, 0]],
  ];
  for (const [what, bytes] of FRAMES) {
    test(`${what} is found once all of it is there, and ends the connection where its check sum is wrong`, () => {
      const frame = rtu(...bytes);
      for (let length = 0; length < frame.length; length++) assert.deepEqual(rtuFraming.next(frame.subarray(0, length)), { need: 'more' });
      const framed = rtuFraming.next(Buffer.concat([frame, Buffer.from([9, 9])]));
      assert.ok('frame' in framed);
      assert.deepEqual([framed.frame.unit, framed.frame.size, [...framed.frame.pdu]], [1, frame.length, bytes.slice(1)]);
      frame[frame.length - 1]! ^= 1;
      assert.ok('violation' in rtuFraming.next(frame));
    });
  }

  test('A function whose length is not known ends the connection', () => {
    assert.ok('violation' in rtuFraming.next(rtu(1, 99, 0)));
  });
});

test('After a write that was not confirmed the value from before it is not given as good', async (t) => {
  const device = await ScriptedDevice.start(t);
  const tags = [{ name: 'a', area: 'holding', address: 7, access: 'read_write' }];
  const { port } = await startServing(
    t,
    {
      buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '2s' }],
      devices: [{ name: 'd', bus: 'hall', scan: { slow: '1h' }, tags }],
    },
    { tags: [{ area: 'holding', address: 0, device: 'd', tag: 'a', access: 'read_write' }] },
    ['d/a'],
  );
  const master = await RawMaster.connect(t, port);
  master.read(1, 1, 0);
  device.respond(() => {});
  await master.untilAnswers(1);
  master.write(2, 1, 0, 99);
  master.read(3, 1, 0);
  assert.deepEqual(
    (await master.untilAnswers(3)).map(({ pdu }) => [...pdu]),
    [
      [3, 2, 0, 7],
      [0x86, 11],
      [0x83, 4],
    ],
  );
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineTiming } from '../../../src/field/modbus/line.js';
import { RtuTransport } from '../../../src/field/modbus/rtu-transport.js';
import { identificationRequest, parseIdentification } from '../../../src/field/tools/identification.js';
import { ManualClock } from '../../support/manual-clock.js';
import { FakeLink, noticed, rtu } from '../fake-link.js';

/** The example of the Modbus application protocol, 6.21: two of three objects, more follows at object 2. */
const ANSWER = Buffer.from([
  ...[0x2b, 0x0e, 0x01, 0x01, 0xff, 0x02, 0x02],
  ...[0x00, 0x16, ...Buffer.from('Company identification')],
  ...[0x01, 0x0d, ...Buffer.from('Product code ')],
]);

describe('Device identification', () => {
  test("the specification's example is read, blanks that pad are dropped", () => {
    assert.deepEqual(parseIdentification(ANSWER), {
      objects: [
        { id: 0, text: 'Company identification' },
        { id: 1, text: 'Product code' },
      ],
      next: 2,
    });
  });

  test('on a line the answer is found by the length that it says, byte by byte', async () => {
    const clock = new ManualClock();
    const link = new FakeLink();
    const transport = new RtuTransport({ clock, timeoutMs: 500, timing: lineTiming(19200, 11), events: noticed() });
    transport.attach(link);
    const answer = transport.exchange(identificationRequest(5, 0));
    await clock.advanceAsync(10);
    assert.deepEqual([...link.last.subarray(0, -2)], [5, 0x2b, 0x0e, 2, 0]);
    for (const byte of rtu(5, ...ANSWER)) {
      transport.receive(Buffer.from([byte]));
      await clock.advanceAsync(1);
    }
    const result = await answer;
    assert.deepEqual(result, { kind: 'data', data: ANSWER });
  });

  test('a device that does not know the function answers with an exception', async () => {
    const clock = new ManualClock();
    const transport = new RtuTransport({ clock, timeoutMs: 500, timing: lineTiming(19200, 11), events: noticed() });
    transport.attach(new FakeLink());
    const answer = transport.exchange(identificationRequest(5, 0));
    await clock.advanceAsync(10);
    transport.receive(rtu(5, 0xab, 1));
    assert.deepEqual(await answer, { kind: 'exception', code: 1 });
  });
});

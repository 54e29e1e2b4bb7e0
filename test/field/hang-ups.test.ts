import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModbusBus } from '../../src/field/modbus/bus.js';
import { HangUps } from '../../src/field/modbus/hang-ups.js';
import { ManualClock } from '../support/manual-clock.js';
import { tcpTo } from './clocked-bus.js';
import { ClockedDevice, type Heard } from './clocked-device.js';
import { outcome } from './fake-link.js';

/** Units 1 to 6 behind a gateway on Modbus TCP, each read every second for a minute. Reads that failed of each. */
async function minute(respond: (heard: Heard, bus: ModbusBus) => void, maxInflight: number) {
  const clock = new ManualClock();
  const device: ClockedDevice = new ClockedDevice(clock, 'tcp', (heard) => respond(heard, bus));
  const bus: ModbusBus = await tcpTo(device, maxInflight);
  const failed = new Map<number, number>();
  for (let second = 0; second < 60; second++) {
    for (let unit = 1; unit <= 6; unit++) {
      void outcome(bus.read({ fn: 3, unit, address: 0, count: 1 }, () => {})).then((result) => {
        if (!/^[0-9]+$/.test(result)) failed.set(unit, (failed.get(unit) ?? 0) + 1);
      });
    }
    await clock.advanceAsync(1000);
  }
  const aside = [1, 2, 3, 4, 5, 6].filter((unit) => bus.unitStatus(unit).isDown);
  await bus.stop();
  return { failed, aside, connections: device.opened };
}

const asked = (...units: number[]) => new Set(units);

/** With a connection on which unit 1 has answered. */
function answered() {
  const hangUps = new HangUps();
  hangUps.begin();
  hangUps.heard(1);
  return hangUps;
}

describe('a connection that the peer closes', () => {
  test('because a unit is asked: when it happens to that one alone for the second time', () => {
    const hangUps = answered();
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
    hangUps.begin();
    hangUps.heard(1);
    assert.deepEqual(hangUps.lost(asked(2)), { because: 2 });
  });

  test('because several are asked: each of them is found out', () => {
    const hangUps = answered();
    for (const unit of [2, 5]) {
      assert.equal(hangUps.lost(asked(unit)), 'perhaps');
      hangUps.begin();
      hangUps.heard(1);
    }
    assert.deepEqual(hangUps.lost(asked(2)), { because: 2 });
    assert.deepEqual(hangUps.lost(asked(5)), { because: 5 });
  });

  test('not because of one that has answered since', () => {
    const hangUps = answered();
    hangUps.lost(asked(2));
    hangUps.begin();
    hangUps.heard(2);
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
  });

  test('perhaps because of one of several', () => {
    assert.equal(answered().lost(asked(2, 3)), 'perhaps');
  });

  test('perhaps by the first request on the next connection, but nobody is blamed where nothing works any more', () => {
    const hangUps = answered();
    hangUps.lost(asked(2, 3));
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'no');
  });

  test('not where nobody was asked, nor where nothing ever answered', () => {
    assert.equal(answered().lost(asked()), 'no');
    const hangUps = new HangUps();
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'no');
  });
});

describe('a gateway that hangs up', () => {
  for (const inflight of [1, 4]) {
    test(`for two units, ${inflight} under way: both are put aside, and the others are read`, async () => {
      const hangsUp = ({ device, unit, ...heard }: Heard) => {
        if (unit === 2 || unit === 5) device.clock.setTimeout(() => device.reset(), 1);
        else device.answer({ device, unit, ...heard }, 2);
      };
      const { failed, aside } = await minute(hangsUp, inflight);
      assert.deepEqual(aside, [2, 5]);
      for (const unit of [1, 3, 4, 6]) assert.ok((failed.get(unit) ?? 0) <= 15, `unit ${unit}: ${failed.get(unit)} reads failed`);
    });

    test(`before anything is answered, ${inflight} under way`, async () => {
      const hangsUp = (heard: Heard) => {
        if (heard.unit === 2) heard.device.reset();
        else heard.device.answer(heard, 20);
      };
      const { failed, aside } = await minute(hangsUp, inflight);
      assert.deepEqual(aside, [2]);
      for (const unit of [1, 3, 4, 5, 6]) assert.ok((failed.get(unit) ?? 0) <= 5, `unit ${unit}: ${failed.get(unit)} reads failed`);
    });
  }

  test('once: nobody is put aside, and a unit that was dead before is asked soon after', async () => {
    let count = 0;
    let answeredAt = 0;
    const { aside } = await minute((heard, bus) => {
      const now = heard.device.clock.mono();
      if (heard.unit === 6 && now < 30_000) return;
      if (heard.unit === 6 && answeredAt === 0) answeredAt = now;
      if (heard.unit === 1 && now > 30_500 && count++ === 0) {
        assert.ok(bus.unitStatus(6).isDown);
        heard.device.reset();
      } else heard.device.answer(heard, 2);
    }, 1);
    assert.deepEqual(aside, []);
    assert.ok(answeredAt < 33_000, `unit 6 was asked at ${answeredAt} ms`);
  });

  for (const [units, inflight] of [
    [1, 1],
    [2, 4],
  ] as const) {
    test(`once, while ${units} are asked: what the device takes for a scan is the same after it`, async () => {
      const clock = new ManualClock();
      let isLost = false;
      const device: ClockedDevice = new ClockedDevice(clock, 'tcp', (heard) => {
        if (!isLost) heard.device.answer(heard, 2);
        else {
          isLost = false;
          clock.setTimeout(() => device.reset(), 1);
        }
      });
      const bus = await tcpTo(device, inflight);
      const scan = async () => {
        const before = clock.mono();
        const reads = Array.from({ length: 30 }, (_, block) =>
          outcome(bus.read({ fn: 3, unit: 1 + (block % units), address: block * 200, count: 1 }, () => {})),
        );
        let isOver = false;
        void Promise.all(reads).then(() => {
          isOver = true;
        });
        while (!isOver) await clock.advanceAsync(1);
        return clock.mono() - before;
      };
      const usual = await scan();
      isLost = true;
      await scan();
      await clock.advanceAsync(1000);
      assert.equal(await scan(), usual);
      await bus.stop();
    });
  }
});

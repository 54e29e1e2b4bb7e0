import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Guest, type Job, JobQueue } from '../../src/field/modbus/queue.js';

const NOW = 1000;
const free = () => 0;

class Lines {
  readonly queue = new JobQueue();
  readonly #lanes = new Map<string, object>();

  /** `own` or the name of a master; gives the guest. */
  read(who: string, address: number, unit = 1): Guest | null {
    const guest = this.#guest(who);
    this.queue.addRead(
      { fn: 3, unit, address, count: 1 },
      0,
      { owner: null, resolve: () => {}, reject: () => {}, failedTry: () => {} },
      guest,
    );
    return guest;
  }

  write(who: string, unit = 1): Guest | null {
    const guest = this.#guest(who);
    this.queue.addWrite({ kind: 'write', unit, run: () => Promise.resolve(), resolve: () => {}, reject: () => {}, guest });
    return guest;
  }

  /** The next jobs, one at a time on an idle bus. */
  take(count: number): string[] {
    return Array.from({ length: count }, () => {
      const picked = this.queue.pick(NOW, free, true);
      return picked !== null && 'job' in picked ? this.#name(picked.job) : JSON.stringify(picked);
    });
  }

  #guest(who: string): Guest | null {
    if (who === 'own') return null;
    let lane = this.#lanes.get(who);
    if (lane === undefined) {
      lane = { who };
      this.#lanes.set(who, lane);
    }
    return { lane };
  }

  #name(job: Job): string {
    const who = job.guest === null ? 'own' : (job.guest.lane as { who: string }).who;
    return `${who} ${job.kind === 'read' ? job.request.address : 'write'}`;
  }
}

describe('other masters on a bus', () => {
  test('However much they ask, every other turn is ours', () => {
    const lines = new Lines();
    for (let i = 0; i < 6; i++) lines.read('scada', i);
    for (let i = 0; i < 3; i++) lines.read('own', 100 + i);
    assert.deepEqual(lines.take(6), ['own 100', 'scada 0', 'own 101', 'scada 1', 'own 102', 'scada 2']);
  });

  test('However much we scan, every other turn is theirs', () => {
    const lines = new Lines();
    for (let i = 0; i < 6; i++) lines.read('own', 100 + i, i);
    lines.read('scada', 0);
    lines.read('scada', 1);
    assert.deepEqual(lines.take(5), ['own 100', 'scada 0', 'own 101', 'scada 1', 'own 102']);
  });

  test('Masters take turns, however much one of them asks', () => {
    const lines = new Lines();
    for (let i = 0; i < 4; i++) lines.read('greedy', i);
    lines.read('modest', 50);
    lines.write('writer');
    assert.deepEqual(lines.take(6), ['greedy 0', 'modest 50', 'writer write', 'greedy 1', 'greedy 2', 'greedy 3']);
  });

  test('A flood of their writes does not hold up our reads; our own writes go before all', () => {
    const lines = new Lines();
    for (let i = 0; i < 4; i++) lines.write('scada');
    for (let i = 0; i < 2; i++) lines.read('own', i, i);
    lines.write('own');
    assert.deepEqual(lines.take(5), ['own write', 'own 0', 'scada write', 'own 1', 'scada write']);
  });

  test('A write of theirs waits until nothing is under way, and nothing is started before it', () => {
    const lines = new Lines();
    lines.read('own', 1);
    lines.write('scada');
    lines.read('own', 2, 2);
    assert.deepEqual(lines.take(1), ['own 1']);
    assert.equal(lines.queue.pick(NOW, free, false), null);
    assert.deepEqual(lines.take(2), ['scada write', 'own 2']);
  });

  test('A unit that must be left alone holds up only what is for it', () => {
    const lines = new Lines();
    lines.read('scada', 0, 9);
    lines.read('scada', 1, 2);
    const picked = lines.queue.pick(NOW, ({ unit }) => (unit === 9 ? 300 : 0), true);
    assert.ok(picked !== null && 'job' in picked && picked.job.unit === 2);
    assert.deepEqual(
      lines.queue.pick(NOW, ({ unit }) => (unit === 9 ? 300 : 0), true),
      { waitMs: 300 },
    );
  });

  test('A request that is withdrawn is not started', () => {
    const lines = new Lines();
    const guest = lines.write('scada');
    lines.read('scada', 5);
    assert.equal(lines.queue.length, 2);
    assert.notEqual(lines.queue.withdraw(guest!), null);
    assert.equal(lines.queue.withdraw(guest!), null);
    assert.deepEqual(lines.take(2), ['scada 5', 'null']);
    assert.equal(lines.queue.length, 0);
  });

  test('When the connection is lost their writes are dropped, their reads stay', () => {
    const lines = new Lines();
    lines.write('scada');
    lines.read('scada', 5);
    assert.deepEqual(
      lines.queue.drain('writes').map(({ kind }) => kind),
      ['write'],
    );
    assert.deepEqual(lines.take(1), ['scada 5']);
  });
});

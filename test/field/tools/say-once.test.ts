import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { FerruleError } from '../../../src/errors.js';
import { recognise } from '../../../src/field/profiles/recognise.js';
import type { Profile } from '../../../src/field/profiles/schema.js';
import { discoverSunSpec } from '../../../src/field/sunspec/discover.js';
import { explore } from '../../../src/field/tools/explore.js';
import { openOwnBus } from '../../../src/field/tools/own-bus.js';
import { aboutEndpoint, withoutSubject } from '../../../src/field/tools/say-once.js';
import { checkWrite } from '../../../src/field/tools/write-register.js';
import { silentLogger } from '../../../src/log.js';
import { freePort } from '../../support/free-port.js';

/** The line that people see; fails where one of these is not there, or there more than once. */
async function lineOf(asked: Promise<unknown>, ...once: string[]): Promise<string> {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof FerruleError);
  const line = error.toLine();
  for (const text of once) assert.equal(line.split(text).length - 1, 1, `${text} in: ${line}`);
  return line;
}

/** A host that takes everything and answers nothing. */
async function silent(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

describe('what a tool says names its subject once', () => {
  test('a unit that does not answer: to the register explorer, SunSpec discovery and the profiles', async (t) => {
    const port = await silent(t);
    const bus = await openOwnBus({ kind: 'host', host: '127.0.0.1', port, framing: 'tcp' }, 50, systemClock, silentLogger);
    t.after(() => bus.stop());
    const where = `127.0.0.1:${port}`;
    const read = explore(bus, { unit: 3, area: 'holding', address: 4711, count: 2 }, () => 0);
    const line = await lineOf(read, where, 'unit 3', '4711');
    assert.match(line, /^127\.0\.0\.1:\d+: no answer from unit 3, holding registers 4711-4712 within 50 ms\. \[FER_FIELD_READ\]$/);
    await lineOf(discoverSunSpec(bus, 3), where, 'unit 3', '40000');
    const print = { area: 'holding', address: 4711, type: 'uint16', equals: [1] } as const;
    await lineOf(recognise(bus, 3, [{ identify: { registers: [print] } } as unknown as Profile]), where, 'unit 3', '4711');
  });

  test('a host that refuses, a port that is not there', async () => {
    const port = await freePort();
    const open = (target: Parameters<typeof openOwnBus>[0]) => openOwnBus(target, 500, systemClock, silentLogger);
    const host = await lineOf(open({ kind: 'host', host: '127.0.0.1', port, framing: 'tcp' }), '127.0.0.1');
    assert.match(host, /^127\.0\.0\.1:\d+ can not be reached: connect ECONNREFUSED\. Nothing listens there/);
    const settings = { framing: 'rtu', baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1 } as const;
    const line = await lineOf(open({ kind: 'line', port: '/dev/ttyNone7', ...settings }), '/dev/ttyNone7');
    assert.match(line, /^There is no \/dev\/ttyNone7: is the adapter plugged in\?/);
  });

  test('a value that can not be written', () => {
    assert.throws(
      () => checkWrite({ unit: 1, area: 'holding', address: 0, value: 70_000 }),
      (error: FerruleError) => {
        assert.match(error.toLine(), /^40001: 70000 is out of range/);
        return true;
      },
    );
  });

  test('a subject is left out where a reason has it, and nothing else that looks like it', () => {
    assert.equal(withoutSubject('no connection to 10.0.0.1:502 within 5 ms', '10.0.0.1:502'), 'no connection within 5 ms');
    assert.equal(withoutSubject('connect ECONNREFUSED 10.0.0.1:5020', '10.0.0.1:502'), 'connect ECONNREFUSED 10.0.0.1:5020');
    assert.equal(aboutEndpoint('far:502', 'is gone', 'getaddrinfo ENOTFOUND far'), 'far:502 is gone: getaddrinfo ENOTFOUND');
    assert.equal(aboutEndpoint('/dev/a 9600 8N1', 'is gone', 'a cable'), '/dev/a is gone: a cable');
    assert.equal(aboutEndpoint('/dev/a 9600 8N1', 'is gone', '/dev/a is used by x'), '/dev/a is used by x');
  });

  test('in a line of the terminal: a subject that the message has is not put before it, another one is', () => {
    const line = (message: string, where: NonNullable<FerruleError['where']>) =>
      new FerruleError('FER_STOPPED', message, { where }).toLine();
    assert.equal(line('There is no bus hall.', { subject: 'hall' }), 'There is no bus hall. [FER_STOPPED]');
    assert.equal(line('a: it is off.', { subject: 'a' }), 'a: it is off. [FER_STOPPED]');
    assert.equal(line('It is a fault.', { subject: 'a' }), 'a: It is a fault. [FER_STOPPED]');
    assert.equal(line('The hallway is dark.', { subject: 'hall' }), 'hall: The hallway is dark. [FER_STOPPED]');
    assert.equal(line('No hall.', { file: 'f', line: 2, subject: 'hall' }), 'f:2 hall: No hall. [FER_STOPPED]');
  });
});

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { MonitorFrame } from '../../../src/field/tools/describe-frame.js';
import type { ScanStatus } from '../../../src/field/tools/scan-jobs.js';
import type { ScanRequest, ScanWhere } from '../../../src/field/tools/scan-request.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { type Running, startField } from '../support.js';

/** A way to units 3 and 5 of a pymodbus server. */
interface Way {
  /** The bus of a configuration. */
  bus: object;
  /** The same without a bus of the gateway. */
  where: ScanWhere;
  /** What stands in `line` of what is found without a bus. */
  label: string | null;
  /** The adapter is pulled, or the server goes. */
  vanish(): Promise<void>;
}

/** A peer on a loaded machine may take its time. */
const TIMEOUT = '400ms';

async function onLine(t: TestContext, framing: 'rtu' | 'ascii'): Promise<Way> {
  const cable = await SerialPair.open(t);
  await PymodbusServer.start(t, cable.theirs, [3, 5], 100, framing);
  const settings = framing === 'ascii' ? { baud: 19200, data_bits: 7, parity: 'even' } : { baud: 19200, parity: 'even' };
  return {
    bus: { name: 'b', type: `modbus_${framing}`, port: cable.ours, ...settings, timeout: TIMEOUT },
    where: { kind: 'line', port: cable.ours, framing, line: { baud: [19200], parity: ['even'] } },
    label: framing === 'ascii' ? '19200 7E1' : '19200 8E1',
    vanish: () => cable.unplug(),
  };
}

async function overTcp(t: TestContext, framing: 'tcp' | 'ascii'): Promise<Way> {
  const server = await PymodbusServer.start(t, 0, [3, 5], 100, ...(framing === 'ascii' ? (['ascii'] as const) : []));
  const host = '127.0.0.1';
  return {
    bus: { name: 'b', type: framing === 'tcp' ? 'modbus_tcp' : 'modbus_ascii_tcp', host, port: server.port, timeout: TIMEOUT },
    where: { kind: 'host', host, port: server.port, framing },
    label: null,
    vanish: async () => {
      await server.process.kill();
    },
  };
}

const WAYS: Record<string, (t: TestContext) => Promise<Way>> = {
  'Modbus TCP': (t) => overTcp(t, 'tcp'),
  'an RTU line': (t) => onLine(t, 'rtu'),
  'an ASCII line': (t) => onLine(t, 'ascii'),
};

const BUS: ScanWhere = { kind: 'bus', bus: 'b', suspend: false, line: null };
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const request = (where: ScanWhere, units: number[], more: Partial<ScanRequest> = {}): ScanRequest => ({
  ...{ where, units, timeoutMs: 500, identifies: false, isExhaustive: false },
  ...more,
});
const ended = (status: ScanStatus) => waitFor(() => status.state !== 'running', { timeout: 30_000 });
const unitsOf = (status: ScanStatus) => status.found.map(({ unit, outcome }) => `${unit} ${outcome}`);

/** A gateway whose bus reads a tag of unit 3 ten times a second. */
async function startGateway(t: TestContext, bus: object): Promise<Running> {
  const running = await startField(t, {
    buses: [bus],
    devices: [
      {
        name: 'd',
        bus: 'b',
        unit: 3,
        scan: { fast: '100ms' },
        tags: [{ name: 'x', area: 'holding', address: 0, publish: 'every_scan' }],
      },
    ],
  });
  await running.messages.until('field/d/x', ({ q }) => q === 'good');
  return running;
}

for (const [what, way] of Object.entries(WAYS)) {
  describe(`A scan of ${what}, with pymodbus`, { skip: needs('socat', 'python3-pymodbus') }, () => {
    test('finds the units and who they are, over a connection of its own', async (t) => {
      const { where, label } = await way(t);
      const { field } = await startField(t, {});
      const status = await field.tools.scan(request(where, [1, 3, 4, 5], { identifies: true }));
      await ended(status);
      assert.deepEqual([status.state, status.error, unitsOf(status)], ['done', null, ['3 answers', '5 answers']]);
      assert.deepEqual(
        status.found.map(({ line, identification }) => [line, identification?.vendor]),
        [
          [label, 'Test Works'],
          [label, 'Test Works'],
        ],
      );
    });

    test('of a bus in use leaves its tags good, while most units do not answer', async (t) => {
      const { field, messages } = await startGateway(t, (await way(t)).bus);
      const before = messages.json('field/d/x').length;
      const status = await field.tools.scan(request(BUS, range(1, 6), { timeoutMs: null }));
      await ended(status);
      assert.deepEqual([status.state, unitsOf(status)], ['done', ['3 answers', '5 answers']]);
      const meanwhile = messages.json('field/d/x').slice(before);
      assert.ok(meanwhile.length >= 6, `${meanwhile.length} values were read while four units timed out`);
      assert.deepEqual(new Set(meanwhile.map(({ q }) => q)), new Set(['good']));
      assert.deepEqual(
        field.tools.units('b').map(({ unit }) => unit),
        [3],
        'questions of a scan are in no statistics',
      );
    });

    test('of a bus that is being scanned already is refused, the first one goes on', async (t) => {
      const { field } = await startGateway(t, (await way(t)).bus);
      const first = await field.tools.scan(request(BUS, range(1, 6), { timeoutMs: null }));
      await assert.rejects(field.tools.scan(request(BUS, [3])), { code: 'FER_FIELD_SCAN', message: /b is being scanned already/ });
      await ended(first);
      assert.deepEqual([first.state, first.done], ['done', 6]);
      const again = await field.tools.scan(request(BUS, [3], { timeoutMs: null }));
      await ended(again);
      assert.deepEqual(unitsOf(again), ['3 answers']);
    });

    test('of what a bus uses is refused beside it, by its name', async (t) => {
      const all = await way(t);
      const { field } = await startGateway(t, all.bus);
      await assert.rejects(field.tools.scan(request(all.where, [3])), { code: 'FER_FIELD_SCAN', message: /is used by bus b\./ });
    });

    test('that is cancelled ends before the unit it asks could have answered, and asks nobody else; tags go on', async (t) => {
      const { bus } = await way(t);
      const { field, messages } = await startGateway(t, { ...bus, timeout: '4s' });
      const frames: MonitorFrame[] = [];
      t.after(field.tools.monitor('b', { frame: (frame) => frames.push(frame), leftOut: () => {} }));
      const status = await field.tools.scan(request(BUS, range(100, 200), { timeoutMs: null }));
      await waitFor(() => frames.some(({ unit, direction }) => unit === 100 && direction === 'out'));
      const begun = performance.now();
      assert.equal(await field.tools.cancelScan(status.id), true);
      assert.ok(performance.now() - begun < 2000, `${performance.now() - begun} ms`);
      assert.deepEqual([status.state, status.done, status.error], ['cancelled', 0, null]);
      const seen = messages.json('field/d/x').length;
      await waitFor(() => messages.json('field/d/x').length > seen + 3 && messages.last('field/d/x')?.q === 'good');
      assert.deepEqual(
        frames.filter(({ unit, direction }) => unit !== 3 && direction === 'out').map(({ unit }) => unit),
        [100],
      );
    });

    test('over its own connection that is cancelled gives the line back at once', async (t) => {
      const { where } = await way(t);
      const { field } = await startField(t, {});
      const status = await field.tools.scan(request(where, range(100, 200), { timeoutMs: 10_000 }));
      await waitFor(() => status.unit === 100);
      const begun = performance.now();
      await field.tools.cancelScan(status.id);
      assert.ok(performance.now() - begun < 2000, `${performance.now() - begun} ms`);
      assert.deepEqual([status.state, status.error], ['cancelled', null]);
      const again = await field.tools.scan(request(where, [3], { timeoutMs: 1000 }));
      await ended(again);
      assert.deepEqual(unitsOf(again), ['3 answers']);
    });

    test('whose way vanishes ends with the reason; what was found stays', async (t) => {
      const { where, vanish } = await way(t);
      const { field } = await startField(t, {});
      const status = await field.tools.scan(request(where, range(3, 247)));
      await waitFor(() => status.done >= 3);
      await vanish();
      await ended(status);
      assert.deepEqual([status.state, status.error?.code], ['failed', 'FER_FIELD_BUS']);
      assert.deepEqual(unitsOf(status), ['3 answers', '5 answers']);
      assert.match(status.error?.message ?? '', /^The scan ended early: (there is no \S+: |\S+ was (lost: |unplugged )).+\.$/);
    });

    test('of a bus whose way vanishes ends too, and its tags turn bad', async (t) => {
      const all = await way(t);
      const { field, messages } = await startGateway(t, all.bus);
      const status = await field.tools.scan(request(BUS, range(3, 247), { timeoutMs: null }));
      await waitFor(() => status.done >= 2);
      await all.vanish();
      await ended(status);
      assert.deepEqual([status.state, status.error?.code], ['failed', 'FER_FIELD_BUS']);
      await messages.until('field/d/x', ({ q }) => q === 'bad');
    });
  });
}

test('A scan for ASCII frames through a serial server finds units, over its own connection and on a bus', {
  skip: needs('python3-pymodbus'),
}, async (t) => {
  const { bus, where } = await overTcp(t, 'ascii');
  const { field } = await startField(t, {});
  const own = await field.tools.scan(request(where, [2, 3]));
  await ended(own);
  assert.deepEqual([own.state, unitsOf(own)], ['done', ['3 answers']]);
  const { field: gateway } = await startGateway(t, bus);
  const status = await gateway.tools.scan(request(BUS, [4, 5], { timeoutMs: null }));
  await ended(status);
  assert.deepEqual([status.state, unitsOf(status)], ['done', ['5 answers']]);
});

describe('A scan with several serial settings, with pymodbus', { skip: needs('socat', 'python3-pymodbus') }, () => {
  test('of an ASCII line tries every data bits with every parity', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [2], 100, 'ascii');
    const { field } = await startField(t, {});
    const line = { baud: [9600], data_bits: [7, 8] as (7 | 8)[], parity: ['even' as const, 'none' as const] };
    const status = await field.tools.scan(
      request({ kind: 'line', port: cable.ours, framing: 'ascii', line }, [1, 2], { isExhaustive: true, timeoutMs: 300 }),
    );
    await ended(status);
    assert.deepEqual(
      status.found.map(({ unit, line }) => `${unit} ${line}`),
      ['2 9600 7E1', '2 9600 7N1', '2 9600 8E1', '2 9600 8N1'],
    );
  });

  test('of an ASCII bus that is suspended keeps to the data bits of the bus', async (t) => {
    const all = await onLine(t, 'ascii');
    const { field, messages } = await startGateway(t, all.bus);
    const line = { baud: [19200], parity: ['odd' as const] };
    const status = await field.tools.scan(request({ kind: 'bus', bus: 'b', suspend: true, line }, [3]));
    await ended(status);
    assert.deepEqual(
      status.found.map(({ unit, line }) => `${unit} ${line}`),
      ['3 19200 7O1'],
    );
    const seen = messages.json('field/d/x').length;
    await waitFor(() =>
      messages
        .json('field/d/x')
        .slice(seen)
        .some(({ q }) => q === 'good'),
    );
  });

  test('for RTU frames in 7 data bits is refused', async (t) => {
    const { field } = await startField(t, {});
    const where: ScanWhere = {
      kind: 'line',
      port: '/dev/ttyNone0',
      framing: 'rtu',
      line: { baud: [9600], data_bits: [7], parity: ['none'] },
    };
    await assert.rejects(field.tools.scan(request(where, [1])), { code: 'FER_FIELD_SCAN', message: /RTU frames do not fit/ });
  });
});

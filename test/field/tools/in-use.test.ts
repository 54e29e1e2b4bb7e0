import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FerruleError } from '../../../src/errors.js';
import type { Target } from '../../../src/field/tools/own-bus.js';
import type { ScanWhere } from '../../../src/field/tools/scan-request.js';
import { startField } from '../support.js';

const PORT = '/dev/ttyNone0';
const TCP_PORT = 1;
const LINE = { kind: 'line', port: PORT, framing: 'rtu', baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1 } as const;
const HOST = { kind: 'host', host: '127.0.0.1', port: TCP_PORT, framing: 'rtu' } as const;

/** A scale at a port, another one behind a serial server. */
async function plant(t: TestContext) {
  const how = { frame: { type: 'delimiter', end: '\r\n' }, decode: { type: 'text', fields: [{ name: 'line' }] } };
  const { field } = await startField(t, {
    buses: [
      { name: 'scale_port', type: 'serial', port: PORT },
      { name: 'far_scale', type: 'serial_tcp', host: '127.0.0.1', port: TCP_PORT },
    ],
    devices: [
      { name: 'scale', bus: 'scale_port', ...how },
      { name: 'scale2', bus: 'far_scale', ...how },
    ],
  });
  return field.tools;
}

async function refusal(asked: Promise<unknown>): Promise<FerruleError> {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof FerruleError);
  return error;
}

/** What is said must lead on: never to the bus, on which nothing can be asked. */
function checkLeadsOn(error: FerruleError, target: string, bus: string): void {
  assert.match(error.message, new RegExp(`^${target} is in use by bus ${bus}, which belongs to a serial instrument`));
  assert.match(
    error.hint ?? '',
    new RegExp(`Take another (host or )?port; or take bus ${bus} and its device out of the configuration, or stop`),
  );
  assert.doesNotMatch(error.hint ?? '', /instead/);
}

describe("the line of a serial instrument's bus", () => {
  const scan = (where: Target): ScanWhere => {
    if (where.kind === 'host') return where;
    return { kind: 'line', port: where.port, framing: where.framing, line: { baud: [where.baud], parity: [where.parity] } };
  };
  for (const [where, target, bus] of [
    [LINE, PORT, 'scale_port'],
    [HOST, `127.0.0.1:${TCP_PORT}`, 'far_scale'],
  ] as const) {
    test(`a scan of ${target} is told who has it and what to do, as are the questions what a unit is`, async (t) => {
      const tools = await plant(t);
      const request = { where: scan(where), units: [1], timeoutMs: null, identifies: false, isExhaustive: false };
      checkLeadsOn(await refusal(tools.scan(request)), target, bus);
      checkLeadsOn(await refusal(tools.identify(where, 1, [])), target, bus);
      checkLeadsOn(await refusal(tools.sunspec(where, 1)), target, bus);
    });
  }

  test('a scan of the bus itself, or a read on it, is told that it has no units, and what is there instead', async (t) => {
    const tools = await plant(t);
    const where: ScanWhere = { kind: 'bus', bus: 'scale_port', suspend: false, line: null };
    const request = { where, units: [1], timeoutMs: null, identifies: false, isExhaustive: false };
    for (const asked of [
      tools.scan(request),
      tools.explore('scale_port', { unit: 1, area: 'holding', address: 0, count: 1 }),
      tools.identify({ kind: 'bus', bus: 'scale_port' }, 1, []),
    ]) {
      const { message, hint } = await refusal(asked);
      assert.match(message, /^Bus scale_port belongs to a serial instrument: there are no Modbus units to ask\.$/);
      assert.match(hint ?? '', /terminal/);
    }
  });
});

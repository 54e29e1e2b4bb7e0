import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { common, END, inverter, MARK } from '../field/sunspec/chain.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { startConsoleGateway } from './console-gateway.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const MODEL = Array.from({ length: 8 }, (_, at) => Buffer.from('SUN2000-10KTL-M1', 'latin1').readUInt16BE(at * 2));

interface Found {
  manufacturer: string | null;
  models: { id: number }[];
}

test('A unit that speaks ASCII is asked what it is, at a host and on a port, by API and command line', {
  skip: needs('socat', 'python3-pymodbus', 'python3-serial-asyncio'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  const far = await PymodbusServer.start(t, 0, [4], 40_000, 'ascii');
  const near = await PymodbusServer.start(t, cable.theirs, [4], 40_000, 'ascii');
  for (const server of [far, near]) {
    await server.set(4, 'holding', 0, ...MARK, ...common(), ...inverter(), ...END);
    await server.set(4, 'holding', 30_000, ...MODEL);
  }
  const { visitor } = await startConsoleGateway(t, '');
  const host = { kind: 'host', host: '127.0.0.1', port: far.port, framing: 'ascii' };
  const line = { kind: 'line', port: cable.ours, framing: 'ascii', baud: 9600, data_bits: 7, parity: 'even', stop_bits: 1 };
  for (const where of [host, line]) {
    assert.deepEqual(await visitor.json(200, 'POST', '/identify', { where, unit: 4 }), {
      identification: { vendor: 'Test Works', 'product code': 'PM-1', revision: '3.0' },
      profiles: ['huawei-sun2000'],
    });
    const { manufacturer, models } = await visitor.json<Found>(200, 'POST', '/sunspec', { where, unit: 4 });
    assert.deepEqual([manufacturer, models.map(({ id }) => id)], ['Acme', [1, 103]]);
  }
  for (const where of [
    ['--host', `127.0.0.1:${far.port}`, '--ascii'],
    ['--port', cable.ours, '--ascii'],
  ]) {
    const ferrule = (...args: string[]) => runProcess(process.execPath, [MAIN, ...args, ...where, '--unit', '4'], { timeout: 40_000 });
    const identified = await ferrule('profiles', 'identify');
    assert.deepEqual([identified.code, identified.stdout], [0, 'huawei-sun2000  Huawei SUN2000\n'], identified.stderr);
    const sunspec = await ferrule('modbus', 'sunspec');
    assert.match(sunspec.stdout, /^Acme Sun 10, .*map at 0$/m, sunspec.stderr);
  }
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { MonitorFrame } from '../../src/field/tools/describe-frame.js';
import { ApiClient } from '../e2e/api-client.js';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (args: string[], env: Record<string, string> = {}) =>
  runProcess(process.execPath, [MAIN, 'modbus', ...args], { env, timeout: 40_000 });

const CONFIG = (port: number) => `
field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${port}}]
  devices:
    - name: press
      bus: hall
      scan: {fast: 100ms}
      tags:
        - {name: a, area: holding, address: 10}
        - {name: b, area: holding, address: 14, type: float32}
        - {name: c, area: coil, address: 3}
`;

describe('ferrule modbus, at a port or host', { skip: needs('socat', 'python3-pymodbus') }, () => {
  test('scan finds the units of a line and says who they are', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [2, 5]);
    const { code, stdout } = await ferrule(['scan', '--port', cable.ours, '--units', '1-5', '--timeout', '200']);
    assert.equal(code, 0);
    assert.match(stdout, /^ +2 {2}9600 8N1 {2}answers {2}Test Works, PM-1, 3\.0$/m);
    assert.match(stdout, /^ +5 /m);
    assert.doesNotMatch(stdout, /^ +[134] /m);
  });

  test('scan that is interrupted shows what it found so far; others are told that it holds the port', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [1]);
    const scan = await startProcess(process.execPath, [MAIN, 'modbus', 'scan', '--port', cable.ours, '--units', '1-247', '--json'], {
      ready: /[1-9]\d* of 247 .*1 found\n/,
    });
    t.after(() => scan.kill());
    const other = await ferrule(['read', '--port', cable.ours, '-a', '40001']);
    assert.deepEqual([other.code, /is used by .*If a gateway runs here/.test(other.stderr)], [6, true], other.stderr);
    process.kill(scan.pid, 'SIGINT');
    assert.equal((await scan.exit).code, 0);
    const { found } = JSON.parse(scan.stdout) as { found: { unit: number }[] };
    assert.deepEqual(
      found.map(({ unit }) => unit),
      [1],
    );
    assert.match(scan.stderr, /Cancelled after \d+ of 247/);
  });

  test('scan and read speak ASCII too', async (t) => {
    const cable = await SerialPair.open(t);
    const server = await PymodbusServer.start(t, cable.theirs, [4], 100, 'ascii');
    await server.set(4, 'holding', 0, 1234);
    const scan = await ferrule(['scan', '--port', cable.ours, '--ascii', '--units', '3-4', '--timeout', '200']);
    assert.match(scan.stdout, /^ +4 {2}9600 7E1 {2}answers {2}Test Works, PM-1, 3\.0$/m);
    const read = await ferrule(['read', '--port', cable.ours, '--ascii', '-u', '4', '-a', '40001']);
    assert.match(read.stdout, /^ +0 {2}40001 {2}04d2 .* 1234 /m, read.stderr);
  });

  test('read shows registers in every type and order', async (t) => {
    const server = await PymodbusServer.start(t, 0, [7]);
    await server.set(7, 'holding', 10, 0xcccd, 0x41a8);
    const { code, stdout } = await ferrule(['read', '-H', `127.0.0.1:${server.port}`, '-u', '7', '-a', '40011', '-n', '2']);
    assert.equal(code, 0);
    assert.match(stdout, /^ +10 {2}40011 {2}cccd {2}1100110011001101 +52429 +-13107/m);
    assert.match(stdout, /CDAB +1101581517 +1101581517 +21\.1/);
  });

  test('write says what it would do, does it with --yes, and reads it back', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    const args = ['write', '21.5', '--host', `127.0.0.1:${server.port}`, '--area', 'holding', '--address', '16', '--type', 'float32'];
    const asked = await ferrule(args);
    assert.deepEqual([asked.code, asked.stdout], [2, '']);
    assert.match(asked.stderr, /would write 21\.5 as float32 to holding 16 \(40017\) of unit 1.*--yes/);
    assert.deepEqual(await server.get(1, 'holding', 16, 2), [0, 0]);
    const done = await ferrule([...args, '--yes']);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /read back as 21\.5/);
    assert.deepEqual(await server.get(1, 'holding', 16, 2), [0x41ac, 0]);
  });

  test('a value that does not fit is refused before anything is opened', async () => {
    const { code, stderr } = await ferrule(['write', '70000', '--port', '/dev/ttyNone0', '--area', 'holding', '--address', '1', '--yes']);
    assert.equal(code, 6);
    assert.match(stderr, /out of range.*FER_FIELD_BAD_VALUE/);
  });

  test('nobody there and a refusal are told apart', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    const refused = await ferrule(['read', '-H', `127.0.0.1:${server.port}`, '-a', '49000']);
    assert.deepEqual([refused.code, /exception 2 \(illegal data address\)/.test(refused.stderr)], [6, true]);
    const silent = await ferrule(['read', '-H', `127.0.0.1:${server.port}`, '-u', '9', '-a', '40001', '--timeout', '100']);
    assert.deepEqual([silent.code, /no answer/.test(silent.stderr)], [6, true]);
    const nobody = await ferrule(['read', '-H', `127.0.0.1:${await freePort()}`, '-a', '40001']);
    assert.deepEqual([nobody.code, /FER_FIELD_BUS/.test(nobody.stderr)], [6, true]);
  });

  for (const [what, args, said] of [
    ['an unknown verb', ['scna'], /There is scan, read/],
    ['no target', ['scan'], /--port FILE or --host/],
    ['two targets', ['scan', '--port', 'a', '--host', 'b'], /either --port/],
    ['a unit that is none', ['scan', '--host', 'a', '--units', '1-300'], /--units is a number from 0 to 255/],
    ['an address that can be read in two ways', ['read', '--host', 'a', '--address', '100'], /0-based address or as a 1-based number/],
    ['two kinds of frames', ['scan', '--host', 'a', '--rtu', '--ascii'], /not both/],
    ['a word too many', ['read', 'more', '--host', 'a'], /'more' is not expected/],
  ] as const) {
    test(`${what} is refused with what to do`, async () => {
      const { code, stderr } = await ferrule([...args]);
      assert.equal(code, 2);
      assert.match(stderr, said);
      assert.match(stderr, /FER_CLI_USAGE/);
    });
  }
});

test('plan shows the requests of a configuration without a gateway', async (t) => {
  const file = join(await tempDir(t), 'ferrule.yaml');
  await writeFile(file, CONFIG(502));
  const { code, stdout } = await ferrule(['plan', file, 'press']);
  assert.equal(code, 0);
  assert.match(stdout, /^press on hall, scan fast every 100 ms: 2 requests/m);
  assert.match(stdout, /^holding +10 +6 +3 .*a, b$/m);
  assert.match(stdout, /^coil +3 +1 +0 .*c$/m);
  const unknown = await ferrule(['plan', file, 'pres']);
  assert.deepEqual([unknown.code, /There are: press/.test(unknown.stderr)], [2, true]);
});

test('monitor and stats ask the running gateway', { skip: needs('python3-pymodbus') }, async (t) => {
  const server = await PymodbusServer.start(t, 0, [1]);
  await server.set(1, 'holding', 10, 77);
  const gateway = await GatewayProcess.create(t, CONFIG(server.port));
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  await waitFor(async () => (await api.device('press')).state === 'online');
  const where = ['--url', `http://127.0.0.1:${gateway.consolePort}`, '--user', 'admin'];
  const env = { FERRULE_PASSWORD: 'a long enough one' };
  const seen = await ferrule(['monitor', 'hall', '--count', '8', '--json', ...where], env);
  assert.equal(seen.code, 0, seen.stderr);
  const frames = seen.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MonitorFrame);
  assert.equal(frames.length, 8);
  assert.ok(frames.some(({ direction, values }) => direction === 'in' && values?.[0] === 77));
  const stats = await ferrule(['stats', ...where], env);
  assert.match(stats.stdout, /^hall: modbus_tcp, 127\.0\.0\.1:\d+, running$/m);
  assert.match(stats.stdout, /^ +1 {2}answers +\d+/m);
  const wrong = await ferrule(['stats', ...where], { FERRULE_PASSWORD: 'not this one' });
  assert.deepEqual([wrong.code, /FER_CONSOLE_LOGIN_FAILED/.test(wrong.stderr)], [6, true]);
});

import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { MonitorFrame } from '../../src/field/tools/describe-frame.js';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { ScriptedInstrument } from '../peers/instrument.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (args: string[], input = '') => runProcess(process.execPath, [MAIN, ...args], { input, timeout: 40_000 });

const device = (name: string, bus: string) =>
  `{name: ${name}, bus: ${bus}, unit: 3, scan: {fast: 200ms}, tags: [{name: x, area: holding, address: 0, publish: every_scan}]}`;

/** A gateway that reads unit 3 of a line and of a TCP server, as the commands find it: by its data folder. */
async function plant(t: TestContext) {
  const cable = await SerialPair.open(t);
  const line = await PymodbusServer.start(t, cable.theirs, [3, 5]);
  const hall = await PymodbusServer.start(t, 0, [3]);
  const gateway = await GatewayProcess.create(
    t,
    `
field:
  buses:
    - {name: line1, type: modbus_rtu, port: ${cable.ours}, baud: 19200, timeout: 200ms}
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${hall.port}, timeout: 500ms}
  devices: [${device('meter', 'line1')}, ${device('press', 'hall')}]
`,
  );
  await gateway.start();
  const here = ['--data', gateway.dataDir];
  const unitsThatAnswer = async () => (await ferrule(['modbus', 'stats', ...here])).stdout.match(/^ +3 {2}answers +\d+ +[1-9]/gm)?.length;
  await waitFor(async () => (await unitsThatAnswer()) === 2, { timeout: 20_000 });
  return { cable, line, hall, gateway, here };
}

test('ferrule modbus beside a gateway that runs', { skip: needs('socat', 'python3-pymodbus') }, async (t) => {
  const { cable, line, hall, gateway, here } = await plant(t);

  await t.test('goes through it with --bus, without a login: scan, read, write, monitor', async () => {
    const onBus = ['--bus', 'line1', ...here];
    const scan = await ferrule(['modbus', 'scan', ...onBus, '--units', '1-5']);
    assert.deepEqual([scan.code, scan.stderr.includes('FER_')], [0, false], scan.stderr);
    assert.match(scan.stdout, /^ +3 +answers {2}Test Works, PM-1, 3\.0$/m);
    assert.match(scan.stdout, /^ +5 /m);
    assert.doesNotMatch(scan.stdout, /^ +[124] /m);

    const asked = await ferrule(['modbus', 'write', '21.5', ...onBus, '-u', '5', '-a', '40017', '--type', 'float32', '--order', 'CDAB']);
    assert.match(asked.stderr, /would write 21\.5 as float32 to holding 16 \(40017\) of unit 5 on bus line1.*--yes/);
    assert.deepEqual(await line.get(5, 'holding', 16, 2), [0, 0]);
    const wrote = await ferrule([
      'modbus',
      'write',
      '21.5',
      ...onBus,
      '-u',
      '5',
      '-a',
      '40017',
      '--type',
      'float32',
      '--order',
      'CDAB',
      '--yes',
    ]);
    assert.match(wrote.stdout, /read back as 21\.5/, wrote.stderr);
    assert.deepEqual(await line.get(5, 'holding', 16, 2), [0, 0x41ac]);
    const read = await ferrule(['modbus', 'read', ...onBus, '-u', '5', '-a', '40017', '-n', '2']);
    assert.match(read.stdout, /CDAB +\d+ +\d+ +21\.5/, read.stderr);

    const identified = await ferrule(['profiles', 'identify', ...onBus, '-u', '5']);
    assert.deepEqual([identified.code, identified.stdout], [0, 'No profile says that it fits.\n'], identified.stderr);
    const sunspec = await ferrule(['modbus', 'sunspec', ...onBus, '-u', '5']);
    assert.deepEqual([sunspec.code, /no SunSpec map.*FER_FIELD_SUNSPEC/.test(sunspec.stderr)], [6, true], sunspec.stderr);

    const seen = await ferrule(['modbus', 'monitor', 'line1', '--count', '6', '--json', ...here]);
    const frames = seen.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as MonitorFrame);
    assert.deepEqual([frames.length, new Set(frames.map(({ unit }) => unit))], [6, new Set([3])]);
    assert.equal(
      frames.some(({ error }) => error !== null),
      false,
    );
  });

  await t.test('does not open what a bus of it has: it names the bus, and the bus does not notice', async () => {
    const port = ['--port', cable.ours];
    for (const [args, bus] of [
      [['scan', ...port], 'line1'],
      [['write', '1', '-a', '40001', '--yes', ...port], 'line1'],
      [['sunspec', ...port], 'line1'],
      [['read', '-a', '40001', '--host', `127.0.0.1:${hall.port}`], 'hall'],
      [['scan', '--host', `localhost:${hall.port}`], 'hall'],
    ] as const) {
      const { code, stderr } = await ferrule(['modbus', ...args, ...here]);
      assert.equal(code, 6, stderr);
      assert.match(stderr, new RegExp(`is bus ${bus} of the gateway that runs here.*--bus ${bus} .*FER_CLI_IN_USE`, 's'));
    }
    assert.deepEqual(await hall.writes(), []);
    const terminal = await ferrule(['serial', 'terminal', cable.ours, ...here]);
    assert.equal(terminal.code, 6, terminal.stderr);
    assert.match(terminal.stderr, /is bus line1 of the gateway.*It is a Modbus bus: 'ferrule modbus monitor line1'.*FER_CLI_IN_USE/);
    const identify = await ferrule(['profiles', 'identify', '--port', cable.ours, ...here]);
    assert.match(identify.stderr, /is bus line1 of the gateway that runs here.*--bus line1 .*FER_CLI_IN_USE/);
  });

  await t.test('a scan through it that is interrupted ends there too', async (t) => {
    const args = [MAIN, 'modbus', 'scan', '--bus', 'line1', '--units', '3,100-247', '--json', ...here];
    const scan = await startProcess(process.execPath, args, { ready: /[1-9]\d* of 149 .*1 found\n/ });
    t.after(() => scan.kill());
    const second = await ferrule(['modbus', 'scan', '--bus', 'line1', ...here]);
    assert.deepEqual([second.code, /being scanned already/.test(second.stderr)], [6, true], second.stderr);
    process.kill(scan.pid, 'SIGINT');
    assert.equal((await scan.exit).code, 0);
    assert.match(scan.stderr, /Cancelled after \d+ of 149/);
    assert.equal((JSON.parse(scan.stdout) as { found: object[] }).found.length, 1);
    await gateway.says(/"username":"\(this machine\)".*a scan for units was cancelled/);
    const again = await ferrule(['modbus', 'scan', '--bus', 'line1', '--units', '5', ...here]);
    assert.match(again.stdout, /^ +5 /m, again.stderr);
  });

  await t.test('other settings of the line are tried with --suspend only, and the bus goes on afterwards', async () => {
    const onBus = ['--bus', 'line1', '--units', '3', ...here];
    const refused = await ferrule(['modbus', 'scan', ...onBus, '--baud', '9600', '--parity', 'even']);
    assert.deepEqual([refused.code, /needs --suspend/.test(refused.stderr)], [2, true], refused.stderr);
    const scan = await ferrule(['modbus', 'scan', ...onBus, '--baud', '9600', '--parity', 'even', '--suspend', '--timeout', '200']);
    assert.match(scan.stdout, /^ +3 {2}9600 8E1 {2}answers/m, scan.stderr);
    const read = () => ferrule(['modbus', 'read', '--bus', 'line1', '-u', '3', '-a', '40001', ...here]);
    await waitFor(async () => (await read()).code === 0);
  });

  await t.test('what it refuses, and what says nothing to it, is said', async () => {
    const read = (...args: string[]) => ferrule(['modbus', 'read', ...args, ...here]);
    const unknown = await read('--bus', 'nowhere', '-a', '40001');
    assert.deepEqual([unknown.code, /There is no bus nowhere.*FER_FIELD_UNKNOWN_BUS/.test(unknown.stderr)], [6, true], unknown.stderr);
    const exception = await read('--bus', 'hall', '-u', '3', '-a', '49000');
    assert.deepEqual([exception.code, /exception 2/.test(exception.stderr)], [6, true], exception.stderr);
    const baud = await read('--bus', 'line1', '--baud', '9600', '-a', '40001');
    assert.deepEqual([baud.code, /--baud says nothing to a bus of the gateway/.test(baud.stderr)], [2, true], baud.stderr);
  });

  await t.test(
    'another user gets nothing out of the gateway without a login',
    {
      skip: process.getuid?.() === 0 ? false : 'needs root',
    },
    async () => {
      // As far as the folder that is the gateway's own.
      await chmod(dirname(gateway.dataDir), 0o755);
      const asNobody = (args: string[]) =>
        runProcess('/usr/bin/setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, MAIN, ...args], {
          timeout: 40_000,
        });
      for (const verb of [['stats'], ['read', '--bus', 'hall', '-a', '40001'], ['write', '1', '--bus', 'hall', '-a', '40001', '--yes']]) {
        const { code, stderr } = await asNobody(['modbus', ...verb, ...here]);
        assert.deepEqual([code, /This user may not ask the gateway .*sudo.*FER_CLI_GATEWAY/s.test(stderr)], [6, true], stderr);
      }
      const beside = await asNobody(['modbus', 'read', '--host', `127.0.0.1:${hall.port}`, '-u', '3', '-a', '40001', ...here]);
      assert.deepEqual([beside.code, /uses 127\.0\.0\.1 is not known/.test(beside.stderr)], [0, true], beside.stderr);
      assert.deepEqual(await hall.writes(), []);
    },
  );

  await t.test('without a gateway, or with one that was killed, it says that none runs; a port is then opened', async (t) => {
    await gateway.kill();
    const read = await ferrule(['modbus', 'read', '--bus', 'line1', '-a', '40001', ...here]);
    assert.deepEqual([read.code, /No gateway runs here with the data folder .*--data.*--url/s.test(read.stderr)], [6, true], read.stderr);
    const own = await ferrule(['modbus', 'read', '--port', cable.ours, '--baud', '19200', '-u', '3', '-a', '40001', ...here]);
    assert.equal(own.code, 0, own.stderr);
    const nowhere = await ferrule(['modbus', 'stats', '--data', join(await tempDir(t), 'none')]);
    assert.deepEqual([nowhere.code, /No gateway runs here/.test(nowhere.stderr)], [6, true], nowhere.stderr);
  });
});

test('ferrule serial terminal speaks on a bus of the gateway, and not beside it', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  await instrument.answer('?M\r\n', '+12.5 kg\r\n');
  const gateway = await GatewayProcess.create(
    t,
    `
field:
  buses: [{name: scale_port, type: serial, port: ${cable.ours}}]
  devices:
    - {name: scale, bus: scale_port, frame: {type: delimiter, end: "\\r\\n"}, decode: {type: text, fields: [{name: line}]}}
`,
  );
  await gateway.start();
  const here = ['--data', gateway.dataDir];
  const said = await waitFor(
    async () => {
      const result = await ferrule(['serial', 'terminal', '--bus', 'scale_port', ...here], '?M\n');
      return result.code === 0 ? result : null;
    },
    { timeout: 20_000 },
  );
  assert.equal(said.stdout, '+12.5 kg\r\n');
  assert.match(said.stderr, /^bus scale_port \(.*\) is open\./m);
  const beside = await ferrule(['serial', 'terminal', cable.ours, ...here], '?M\n');
  assert.deepEqual([beside.code, /is bus scale_port of the gateway.*FER_CLI_IN_USE/s.test(beside.stderr)], [6, true], beside.stderr);
  const unknown = await ferrule(['serial', 'terminal', '--bus', 'scale', ...here]);
  assert.deepEqual([unknown.code, /There are: scale_port/.test(unknown.stderr)], [2, true], unknown.stderr);
  for (const verb of [['scan'], ['read', '-a', '40001'], ['sunspec'], ['write', '1', '-a', '40001', '--yes']]) {
    const { code, stderr } = await ferrule(['modbus', ...verb, '--port', cable.ours, ...here]);
    assert.equal(code, 6, stderr);
    assert.match(stderr, /^\S+ is in use by bus scale_port, which belongs to a serial instrument.*stop the gateway.*FER_CLI_IN_USE/);
    assert.doesNotMatch(stderr, /--bus/);
  }
  const identify = await ferrule(['profiles', 'identify', '--port', cable.ours, ...here]);
  assert.deepEqual([identify.code, /is in use by bus scale_port.*FER_CLI_IN_USE/.test(identify.stderr)], [6, true], identify.stderr);
  const onIt = await ferrule(['modbus', 'scan', '--bus', 'scale_port', ...here]);
  assert.match(onIt.stderr, /belongs to a serial instrument: there are no Modbus units.*terminal/);
});

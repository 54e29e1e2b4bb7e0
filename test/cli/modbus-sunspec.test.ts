import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { common, END, inverter, MARK } from '../field/sunspec/chain.js';
import { fieldConfig } from '../field/support.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const sunspec = (...args: string[]) => runProcess(process.execPath, [MAIN, 'modbus', 'sunspec', ...args]);

describe('ferrule modbus sunspec', { skip: needs('python3-pymodbus', 'python3-serial-asyncio') }, () => {
  it('It shows what a device is and has; as YAML it is a device of the configuration', async (t) => {
    const server = await PymodbusServer.start(t, 0, [3], 2000);
    await server.set(3, 'holding', 0, ...MARK, ...common(), ...inverter(), ...END);
    const where = ['--host', `127.0.0.1:${server.port}`, '--unit', '3'];
    const { code, stdout, stderr } = await sunspec(...where);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Acme Sun 10, version 1\.2\.3, serial number SN-4711; map at 0$/m);
    assert.match(stdout, /^model 103 at 70, 50 registers: inverter$/m);
    assert.match(stdout, /^power +23450 W$/m);
    assert.doesNotMatch(stdout, /apparent_power/);

    const yaml = await sunspec(...where, '--yaml');
    const buses = [{ name: 'hall', type: 'modbus_tcp', host: 'h' }];
    const config = await fieldConfig({ buses, devices: parse(yaml.stdout) as unknown });
    assert.equal(config.devices[0]?.name, 'acme-sun-10');
  });

  it('A device without a map is a refusal, not a fault', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { code, stderr } = await sunspec('--host', `127.0.0.1:${server.port}`);
    assert.equal(code, 6);
    assert.match(stderr, /no SunSpec map.*\[FER_FIELD_SUNSPEC\]/);
  });
});

describe('the target of ferrule modbus', () => {
  it('Without one, with two, or with one that is none, it is a wrong usage', async () => {
    assert.equal((await sunspec()).code, 2);
    assert.equal((await sunspec('--host', 'a', '--port', '/dev/ttyUSB0')).code, 2);
    assert.equal((await sunspec('--host', ':502')).code, 2);
    assert.equal((await sunspec('--host', 'a:99999')).code, 2);
    assert.equal((await sunspec('--port', '/dev/x', '--parity', 'mark')).code, 2);
    assert.equal((await sunspec('--host', 'a', '--unit', '1.5')).code, 2);
  });

  it('A host at which nobody listens is said, with what to try', async () => {
    const { code, stderr } = await sunspec('--host', '127.0.0.1:1');
    assert.equal(code, 6);
    assert.match(stderr, /can not be reached.*\[FER_FIELD_BUS\]/);
  });
});

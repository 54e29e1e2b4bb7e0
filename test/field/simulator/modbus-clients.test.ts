import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { type Memory, Table } from '../../../src/field/simulator/memory.js';
import { ModbusTcpServer } from '../../../src/field/simulator/modbus-tcp-server.js';
import { packageRoot } from '../../../src/paths.js';
import { needs } from '../../support/needs.js';
import { runProcess } from '../../support/process.js';
import { tempDir } from '../../support/temp-dir.js';

const HERE = join(packageRoot(), 'test/field/simulator');

/** A device with 10 addresses in every table; register 0 takes values up to 5000. */
async function startDevice(t: TestContext): Promise<number> {
  const memory: Memory = {
    coils: new Table(0, 10, () => true),
    discretes: new Table(0, 10),
    holding: new Table(0, 10, (address, value) => address !== 0 || value <= 5000),
    inputs: new Table(0, 10),
  };
  memory.coils.set(8, 1);
  memory.discretes.set(1, 1);
  memory.holding.set(0, 4711);
  memory.holding.setInt16(1, -2);
  memory.inputs.setInt16(5, 12.34, 100);
  const server = new ModbusTcpServer({ units: new Map([[1, memory]]), clock: systemClock });
  t.after(() => server.stop());
  return server.start('127.0.0.1', 0);
}

async function pymodbus(port: number, calls: unknown[][]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await runProcess('/usr/bin/python3', [
    join(HERE, 'pymodbus_client.py'),
    String(port),
    JSON.stringify(calls),
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>[];
}

test('pymodbus reads and writes every table of a simulated device', {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio'),
}, async (t) => {
  const answers = await pymodbus(await startDevice(t), [
    ['read_coils', 0, 10],
    ['read_discrete_inputs', 0, 3],
    ['read_holding_registers', 0, 2],
    ['read_input_registers', 5, 1],
    ['write_coil', 9, true],
    ['write_register', 0, 77],
    ['write_coils', 0, [true, false, true]],
    ['write_registers', 1, [0x1234, 0xabcd]],
    ['mask_write_register', 1, 0x00ff, 0x5600],
    ['readwrite_registers', { read_address: 0, read_count: 4, write_address: 3, write_registers: [9] }],
    ['read_coils', 0, 10],
  ]);
  const bits = (...set: number[]): boolean[] => Array.from({ length: 16 }, (_, index) => set.includes(index));
  assert.deepEqual(answers, [
    { bits: bits(8) },
    { bits: bits(1).slice(0, 8) },
    { registers: [4711, 0xfffe] },
    { registers: [1234] },
    { address: 9 },
    { address: 0 },
    { address: 0 },
    { address: 1 },
    { address: 1 },
    { registers: [77, 0x5634, 0xabcd, 9] },
    { bits: bits(0, 2, 8, 9) },
  ]);
});

test('pymodbus gets the exception that the specification asks for', {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio'),
}, async (t) => {
  const answers = await pymodbus(await startDevice(t), [
    ['read_holding_registers', 9, 2],
    ['write_register', 0, 5001],
    ['write_registers', 8, [1, 2, 3]],
    ['read_exception_status'],
    ['read_holding_registers', 0, 1],
  ]);
  assert.deepEqual(answers, [{ exception: 2 }, { exception: 3 }, { exception: 2 }, { exception: 1 }, { registers: [4711] }]);
});

test('libmodbus reads and writes every table of a simulated device', { skip: needs('libmodbus-dev', 'gcc') }, async (t) => {
  const port = await startDevice(t);
  const program = join(await tempDir(t), 'client');
  const compiled = await runProcess('gcc', ['-Wall', '-Werror', '-o', program, join(HERE, 'libmodbus_client.c'), '-lmodbus']);
  assert.equal(compiled.code, 0, compiled.stderr);
  const { stdout } = await runProcess(program, [String(port)]);
  assert.deepEqual(stdout.trim().split('\n'), [
    'fc1 10 0 0 0 0 0 0 0 0 1 0',
    'fc2 3 0 1 0',
    'fc3 2 4711 65534',
    'fc4 1 1234',
    'fc5 1',
    'fc6 1',
    'fc15 3',
    'fc16 2',
    'fc22 1',
    'fc23 5 77 22068 43981 4660 43981',
    'fc1 after 10 1 0 1 0 0 0 0 0 1 1',
    'too far -1 exception 2',
    'refused -1 exception 3',
  ]);
});

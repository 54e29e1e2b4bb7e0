import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (...args: string[]) => runProcess(process.execPath, [MAIN, 'profiles', ...args]);

const PROFILE = `name: acme
vendor: Acme
model: One
kind: sensor
source: [{title: Manual, section: "1"}]
tags: [{name: t, area: input, address: 0, unit: °C}]
`;

describe('ferrule profiles', () => {
  it('list shows those that ship and those of the data folder', async (t) => {
    const data = await tempDir(t);
    await mkdir(join(data, 'profiles'));
    await writeFile(join(data, 'profiles/acme.yaml'), PROFILE);
    const { code, stdout } = await ferrule('list', '--data', data);
    assert.equal(code, 0);
    assert.match(stdout, /^eastron-sdm630 +energy_meter +Eastron SDM630/m);
    assert.match(stdout, /^acme +sensor +Acme One +1 tags, .*profiles\/acme\.yaml$/m);
  });

  it('list shows one that is not valid as such, and exits 1', async (t) => {
    const data = await tempDir(t);
    await mkdir(join(data, 'profiles'));
    await writeFile(join(data, 'profiles/acme.yaml'), PROFILE.replace('sensor', 'sensr'));
    const { code, stdout } = await ferrule('list', '--json', '--data', data);
    assert.equal(code, 1);
    const rows = JSON.parse(stdout) as { name: string; error: string | null }[];
    assert.match(rows.find((row) => row.name === 'acme')?.error ?? '', /acme\.yaml:4:7/);
  });

  it('show tells the tags and the sources', async () => {
    const { code, stdout } = await ferrule('show', 'eastron-sdm630');
    assert.equal(code, 0);
    assert.match(stdout, /source .*Eastron/);
    assert.match(stdout, /^voltage_l1 +input 0 +float32 +V +read +Voltage of L1$/m);
  });

  it('show of an unknown one is refused with the nearest', async () => {
    const { code, stderr } = await ferrule('show', 'eastron-sdm360');
    assert.equal(code, 3);
    assert.match(stderr, /Did you mean eastron-sdm630\?/);
  });

  it('check prints every fault with file, line and column, and exits 1', async (t) => {
    const file = join(await tempDir(t), 'acme.yaml');
    await writeFile(file, PROFILE.replace('sensor', 'sensr').replace('address: 0', 'address: -1'));
    const { code, stdout, stderr } = await ferrule('check', file);
    assert.deepEqual([code, stdout], [1, '']);
    assert.deepEqual(
      stderr
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
      [`${file}:4:7`, `${file}:6:40`],
    );
  });

  it('A verb that is not there is a wrong usage', async () => {
    const { code, stderr } = await ferrule('delete', 'x');
    assert.equal(code, 2);
    assert.match(stderr, /list, show NAME, check FILE and identify/);
  });

  it('Nothing but the command is a wrong usage', async () => {
    assert.equal((await ferrule()).code, 2);
  });
});

describe('ferrule profiles identify', { skip: needs('python3-pymodbus', 'python3-serial-asyncio') }, () => {
  const ASCII = (text: string): number[] =>
    Array.from({ length: text.length / 2 }, (_, at) => Buffer.from(text, 'latin1').readUInt16BE(at * 2));

  it('A device is recognised by its registers', async (t) => {
    const server = await PymodbusServer.start(t, 0, [4], 65_536);
    await server.set(4, 'holding', 30_000, ...ASCII('SUN2000-10KTL-M1'));
    const { code, stdout } = await ferrule('identify', '--host', `127.0.0.1:${server.port}`, '--unit', '4');
    assert.deepEqual([code, stdout], [0, 'huawei-sun2000  Huawei SUN2000\n']);
  });

  it('A device is recognised by its device identification, with all that a profile of ones own asks for', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'input', 7, 42);
    const data = await tempDir(t);
    await mkdir(join(data, 'profiles'));
    const own = (name: string, answer: number): Promise<void> =>
      writeFile(
        join(data, `profiles/${name}.yaml`),
        `${PROFILE.replace('acme', name)}identify: {device_id: {vendor: test works, product: pm-}, registers: [{area: input, address: 7, type: uint16, equals: [${answer}]}]}\n`,
      );
    await own('right', 42);
    await own('wrong', 43);
    const { stdout } = await ferrule('identify', '--host', `127.0.0.1:${server.port}`, '--data', data, '--json');
    assert.deepEqual(JSON.parse(stdout), [{ name: 'right', vendor: 'Acme', model: 'One' }]);
  });

  it('A device that no profile fits is no error', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { code, stdout } = await ferrule('identify', '--host', `127.0.0.1:${server.port}`);
    assert.deepEqual([code, stdout], [0, 'No profile says that it fits.\n']);
  });
});

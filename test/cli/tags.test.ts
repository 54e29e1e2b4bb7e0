import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { run } from '../../src/cli/run.js';
import { tempDir } from '../support/temp-dir.js';

async function ferrule(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const io = {
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
    env: {},
  };
  return { code: await run(['tags', ...argv], io), ...said };
}

async function fileWith(t: TestContext, content: string, name = 'list'): Promise<string> {
  const file = join(await tempDir(t), name);
  await writeFile(file, content);
  return file;
}

const CONFIG = `field:
  buses: [{name: b, type: modbus_tcp, host: h}, {name: s, type: serial, port: /dev/ttyS9}]
  devices:
    - {name: meter, bus: b, scan: {fast: 1s}, tags: [{name: u, area: input, address: 0, type: float32, unit: V}, {name: on, address: "00017", access: read_write}]}
    - {name: scale, bus: s, frame: {type: delimiter}, decode: {type: text, fields: [{name: kg}]}}
`;

describe('ferrule tags export', () => {
  it('prints the tags of a device as a list, which a device takes again', async (t) => {
    const config = await fileWith(t, CONFIG, 'ferrule.yaml');
    const { code, out } = await ferrule('export', 'meter', '--config', config);
    assert.equal(code, 0);
    assert.equal(out, 'name,area,address,type,access,unit\r\nu,input,0,float32,,V\r\non,,00017,,read_write,\r\n');
    const list = await fileWith(t, out);
    assert.deepEqual(await ferrule('import', list, '--from', 'csv'), { code: 0, out, err: '' });
  });

  it('writes what spreadsheets like, into a file', async (t) => {
    const config = await fileWith(t, CONFIG, 'ferrule.yaml');
    const file = join(await tempDir(t), 'out.csv');
    const { code, err } = await ferrule('export', 'meter', '--config', config, '--separator', ';', '--bom', '--out', file);
    assert.equal(code, 0);
    assert.match(err, /out\.csv: 2 tags/);
    assert.match(await readFile(file, 'utf8'), /^\uFEFFname;area;address;type;access;unit\r\nu;input;/);
  });

  it('does not write over the list that the device has: it would have its other tags twice', async (t) => {
    const list = 'name,area,address\nrun,coil,1\n';
    const config = await fileWith(t, CONFIG.replace('{name: meter,', '{name: meter, tags_file: meter.csv,'), 'ferrule.yaml');
    const file = join(config, '../meter.csv');
    await writeFile(file, list);
    const { code, err } = await ferrule('export', 'meter', '--config', config, '--out', file);
    assert.equal(code, 3);
    assert.match(err, /meter\.csv: This is the list of meter in the configuration, and is left alone\. Name another file\./);
    assert.equal(await readFile(file, 'utf8'), list);
    assert.match((await ferrule('export', 'meter', '--config', config)).out, /\r\nrun,coil,1,/);
  });

  it('says which devices there are', async (t) => {
    const config = await fileWith(t, CONFIG, 'ferrule.yaml');
    const { code, err } = await ferrule('export', 'scale', '--config', config);
    assert.deepEqual([code, err], [3, 'There is no Modbus device scale. There are: meter. [FER_FIELD_UNKNOWN_TAG]\n']);
  });
});

const NEURON =
  'Group,Interval,Name,Address,Attribute,Type,Description,Decimal,Precision\ng,1000,flow,1!400001#BL,Read Write,FLOAT,,,2\ng,1000,run,2!000001,Read,BIT,,,\n';

describe('ferrule tags import', () => {
  it("makes a list of Neuron's table, for one device", async (t) => {
    const file = await fileWith(t, NEURON);
    const { code, err } = await ferrule('import', file, '--from', 'neuron');
    assert.equal(code, 1);
    assert.match(err, /The tags are of the units 1, 2\..*--unit.*\n1 fault; nothing was written/);
    const one = await ferrule('import', file, '--from', 'neuron', '--unit', '1', '--groups', 'scan');
    assert.equal(one.code, 0, one.err);
    assert.equal(one.out, 'name,area,address,type,order,scan,access,precision\r\nflow,holding,0,float32,CDAB,g,read_write,2\r\n');
    assert.match(one.err, /^note: Groups and their intervals: \{g: 1000ms\}/m);
  });

  it("makes a list of Telegraf's plugin", async (t) => {
    const file = await fileWith(t, '[[inputs.modbus]]\nslave_id = 1\ncoils = [\n  { name = "run", address = [16] },\n]\n');
    assert.equal((await ferrule('import', file, '--from', 'telegraf')).out, 'name,area,address,type\r\nrun,coil,16,\r\n');
  });

  it('says what is wrong at its place in the list that was imported', async (t) => {
    const file = await fileWith(t, `${NEURON}g,1000,a/b,1!400009,Read,INT16,,,\ng,1000,end,1!465536,Read,INT32,,,\n`);
    const { code, err, out } = await ferrule('import', file, '--from', 'neuron', '--unit', '1');
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /list:4:1 row 4: "a\/b" is not .*without/);
    const behind = await fileWith(t, `${NEURON}g,1000,end,1!465536,Read,INT32,,,\n`);
    assert.match(
      (await ferrule('import', behind, '--from', 'neuron', '--unit', '1')).err,
      /list:4:1 row 4: end: 2 registers from 65535 end behind 65535/,
    );
  });

  it('wants to know what the file is', async (t) => {
    const file = await fileWith(t, NEURON);
    const { code, err } = await ferrule('import', file);
    assert.deepEqual([code, err.includes('--from neuron')], [2, true]);
    assert.equal((await ferrule('import', file, '--from', 'excel')).code, 2);
    assert.equal((await ferrule('import', file, '--from', 'neuron', '--unit', 'x')).code, 2);
    assert.equal((await ferrule('show', file)).code, 2);
  });

  it('A file that is not there, and a pipe, are said', async () => {
    assert.match((await ferrule('import', '/no/such', '--from', 'neuron')).err, /\/no\/such: The file can't be read: ENOENT/);
    assert.match((await ferrule('check', '/dev/null')).err, /not a regular file/);
  });
});

describe('ferrule tags check', () => {
  it('A correct list, with scan classes that its device will have', async (t) => {
    const file = await fileWith(t, 'name,area,address,scan\na,holding,1,slow\n');
    assert.deepEqual(await ferrule('check', file), { code: 0, out: `${file}: correct. 1 tags.\n`, err: '' });
  });

  it('Faults with row and column, doubts as warnings', async (t) => {
    const file = await fileWith(t, 'name,area,address,type\na,holding,1,int32\nb,holding,2,int32\n');
    const doubtful = await ferrule('check', file);
    assert.equal(doubtful.code, 0);
    assert.match(doubtful.err, /^warning: .*list:3:11 row 3, column address: b \(int32 at holding 2-3\) overlaps a/);
    const wrong = await fileWith(t, 'name,area,address,type\na,holding,1,int33\n');
    const { code, err } = await ferrule('check', wrong);
    assert.equal(code, 1);
    assert.match(err, /list:2:13 row 2, column type: .*\n1 fault\.\n$/);
    const json = JSON.parse((await ferrule('check', wrong, '--json')).out) as { ok: boolean; errors: { line: number; subject: string }[] };
    assert.deepEqual([json.ok, json.errors[0]?.line, json.errors[0]?.subject], [false, 2, 'row 2, column type']);
  });

  it('Lists of others, too', async (t) => {
    const file = await fileWith(t, '{"tags": [{"name": "a", "address": "1!400001.10", "type": 13, "attribute": 1}]}');
    assert.match(
      (await ferrule('check', file, '--from', 'neuron')).err,
      /list tags\[0\]\.address: a: address: \.10 leaves the order of the bytes open/,
    );
  });
});

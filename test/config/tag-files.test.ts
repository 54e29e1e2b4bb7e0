import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.js';
import type { ConfigChange } from '../../src/config/diff.js';
import { ConfigErrors } from '../../src/config/errors.js';
import { type LoadOptions, loadConfig } from '../../src/config/load.js';
import { ConfigWatcher } from '../../src/config/watch.js';
import type { FerruleError } from '../../src/errors.js';
import type { ModbusDeviceConfig } from '../../src/field/schema.js';
import { silentLogger } from '../../src/log.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const YAML = `field:
  buses:
    - {name: b, type: modbus_tcp, host: h}
  devices:
    - name: meter
      bus: b
      scan: {fast: 1s, slow: 10s}
      tags_file: lists/meter.csv
      tags:
        - {name: own, area: coil, address: 1}
`;
const HEADER = 'name,area,address,type,scan,write.min,write.max\n';

/** A configuration with a list; the list's path is relative to the configuration. */
async function folderWith(t: TestContext, list: string | null, yaml = YAML): Promise<{ file: string; list: string }> {
  const folder = await tempDir(t);
  await mkdir(join(folder, 'lists'));
  const place = join(folder, 'lists/meter.csv');
  if (list !== null) await writeFile(place, list);
  await writeFile(join(folder, 'ferrule.yaml'), yaml);
  return { file: join(folder, 'ferrule.yaml'), list: place };
}

async function errorsOf(file: string, options: LoadOptions = { files: 'error' }): Promise<string[]> {
  try {
    await loadConfig(file, options);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.errors.map((fault) => fault.toLine());
  }
}

const names = (config: { field: { devices: unknown[] } }) => (config.field.devices[0] as ModbusDeviceConfig).tags.map(({ name }) => name);

describe('a tag list beside the configuration', () => {
  it('Its tags come behind those of the device, with the same defaults', async (t) => {
    const { file, list } = await folderWith(t, `${HEADER}a,holding,1,int16,slow,,5\nb,,40003,,,,\n`);
    const { config, warnings, parts } = await loadConfig(file, { files: 'error' });
    assert.deepEqual(warnings, []);
    assert.ok(parts.includes(list));
    const device = config.field.devices[0] as ModbusDeviceConfig;
    assert.equal(device.tags_file, list);
    assert.deepEqual(device.tags[1], {
      name: 'a',
      area: 'holding',
      address: 1,
      type: 'int16',
      scan: 'slow',
      access: 'read',
      write: { max: 5, read_back: false, tolerance: 0, single: true },
      publish: 'on_change',
    });
    assert.deepEqual(names(config), ['own', 'a', 'b']);
  });

  it('A device may have a list alone', async (t) => {
    const { file } = await folderWith(t, `${HEADER}a,holding,1,,,,\n`, YAML.replace(/ {6}tags:\n.*\n/, ''));
    assert.deepEqual(names((await loadConfig(file)).config), ['a']);
  });

  const faults: [string, string, RegExp][] = [
    ['a type that does not exist', `${HEADER}a,holding,1,int17,,,\n`, /meter\.csv:2:13 row 2, column type: .*int16/],
    [
      'an unknown scan class',
      `${HEADER}a,holding,1,,,,\nb,holding,2,,quick,,\n`,
      /meter\.csv:3:14 row 3, column scan: b: there is no scan class quick/,
    ],
    ['an impossible address', `${HEADER}a,holding,65536,,,,\n`, /meter\.csv:2:11 row 2, column address: /],
    [
      'an end behind the last address',
      `${HEADER}a,holding,65535,int32,,,\n`,
      /row 2, column address: a: 2 registers from 65535 end behind 65535/,
    ],
    ['an address that may mean two things', `${HEADER}a,,123,,,,\n`, /row 2, column address: a: "123" can be read as/],
    ['a name that the device has already', `${HEADER}own,holding,1,,,,\n`, /row 2, column name: There is a tag own already/],
    ['a name twice', `${HEADER}a,holding,1,,,,\na,holding,2,,,,\n`, /row 3, column name: There is a tag a already/],
    ['a name that is no topic level', `${HEADER}a/b,holding,1,,,,\n`, /meter\.csv:2:1 row 2, column name: /],
    ['limits the wrong way round', `${HEADER}a,holding,1,,,9,1\n`, /row 2, column write\.min: a: min is larger than max/],
    ['a missing address', `${HEADER}a,holding,,,,,\n`, /meter\.csv:2:\d+ row 2/],
    ['a string without the column length', `${HEADER}a,holding,1,string,,,\n`, /meter\.csv:2:1 row 2: a: type string needs length/],
    ['a wrong column', 'name,adress\na,1\n', /meter\.csv:1:6 row 1: There is no column "adress"/],
    ['a fault of the form', `${HEADER}"a\n`, /meter\.csv:2:1 row 2: This is no CSV/],
  ];
  for (const [name, content, message] of faults) {
    it(`check names row and column of ${name}`, async (t) => {
      const { file } = await folderWith(t, content);
      const errors = await errorsOf(file);
      assert.match(errors.join('\n'), message);
      assert.equal(errors.length, 1, errors.join('\n'));
    });
  }

  it('A list that is not there: check refuses it at its place in the configuration, a start warns', async (t) => {
    const { file } = await folderWith(t, null);
    assert.match((await errorsOf(file)).join('\n'), /ferrule\.yaml:8:18 field\.devices\[0\]\.tags_file: There is no file .*meter\.csv/);
    const { config, warnings } = await loadConfig(file);
    assert.deepEqual([names(config), warnings.map(({ code }) => code)], [['own'], ['FER_CONFIG_FILE']]);
  });

  it('A directory in its place is said', async (t) => {
    const { file } = await folderWith(t, null, YAML.replace('lists/meter.csv', 'lists'));
    assert.match((await errorsOf(file)).join('\n'), /lists is not a regular file/);
  });

  it('10 000 tags load in seconds, with memory that is bounded', async (t) => {
    const rows = Array.from(
      { length: 10_000 },
      (_, index) => `tag_${index},holding,${index},uint16,${index % 2 ? 'fast' : 'slow'},,${index}`,
    );
    const { file } = await folderWith(t, `${HEADER}${rows.join('\n')}\n`);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const startedAt = performance.now();
    const { config } = await loadConfig(file, { files: 'error' });
    const took = performance.now() - startedAt;
    globalThis.gc?.();
    const held = (process.memoryUsage().heapUsed - before) / 1024 / 1024;
    t.diagnostic(`${took.toFixed(0)} ms, ${held.toFixed(1)} MiB more on the heap`);
    assert.equal(names(config).length, 10_001);
    assert.ok(took < 10_000, `${took} ms`);
    // Without a collection before the measure the garbage counts too; what is kept is a tenth of it.
    assert.ok(held < 150, `${held} MiB`);
  });
});

describe('a tag list that changes', () => {
  async function watching(t: TestContext) {
    const { file, list } = await folderWith(t, `${HEADER}a,holding,1,,,,\n`);
    const changes: ConfigChange[][] = [];
    const refused: (readonly FerruleError[])[] = [];
    const watcher = new ConfigWatcher({
      current: await loadConfig(file),
      clock: systemClock,
      logger: silentLogger,
      settle: 20,
      // What lies in another folder than the configuration is polled.
      poll: 100,
      onChange: (_loaded, change) => {
        changes.push(change);
        return Promise.resolve();
      },
      onRefused: (errors) => refused.push(errors),
    });
    await watcher.start();
    t.after(() => watcher.stop());
    return { file, list, watcher, changes, refused };
  }

  it('is taken over with the configuration, written in place or renamed over the old one', async (t) => {
    const { list, watcher, changes } = await watching(t);
    await writeFile(list, `${HEADER}a,holding,1,,,,\nb,holding,2,,,,\n`);
    await waitFor(() => names(watcher.current.config).length === 3);
    assert.deepEqual(changes.at(-1), [{ part: 'field.devices', name: 'meter', kind: 'changed' }]);
    await writeFile(`${list}~`, `${HEADER}c,holding,1,,,,\n`);
    await rename(`${list}~`, list);
    await waitFor(() => names(watcher.current.config).join() === 'own,c');
  });

  it('is refused with row and column when it is wrong, and the tags of before stay', async (t) => {
    const { list, watcher, refused } = await watching(t);
    await writeFile(list, `${HEADER}a,holding,1,nonsense,,,\n`);
    await waitFor(() => refused.length > 0);
    assert.match(refused[0]![0]!.toLine(), /row 2, column type/);
    assert.deepEqual(names(watcher.current.config), ['own', 'a']);
  });

  it('is refused when it is gone: its tags stay', async (t) => {
    const { list, watcher, refused } = await watching(t);
    await rm(list);
    await waitFor(() => refused.length > 0);
    assert.match(refused[0]![0]!.toLine(), /There is no file/);
    assert.deepEqual(names(watcher.current.config), ['own', 'a']);
  });

  it('may be another file, in another folder, and is watched there', async (t) => {
    const { file, list, watcher } = await watching(t);
    const other = join(list, '../../other');
    await mkdir(other);
    await writeFile(join(other, 'x.csv'), `${HEADER}x,holding,1,,,,\n`);
    await writeFile(file, YAML.replace('lists/meter.csv', 'other/x.csv'));
    await waitFor(() => names(watcher.current.config).join() === 'own,x');
    await writeFile(join(other, 'x.csv'), `${HEADER}y,holding,1,,,,\n`);
    await waitFor(() => names(watcher.current.config).join() === 'own,y');
  });
});

describe('what is allowed and may be a slip', () => {
  async function doubtsOf(t: TestContext, rows: string[]): Promise<string[]> {
    const { file } = await folderWith(t, `name,area,address,type,order,bit,bits\n${rows.join('\n')}\n`);
    return (await loadConfig(file, { files: 'error' })).warnings.map((warning) => warning.toLine());
  }

  it('Two types for the same registers: said once, at the later one', async (t) => {
    const [doubt, ...more] = await doubtsOf(t, ['a,holding,10,float32,,,', 'b,holding,10,int32,,,']);
    assert.match(
      doubt ?? '',
      /meter\.csv:3:11 row 3, column address: b \(int32 at holding 10-11\) reads the same as a \(float32 at holding 10-11\)\..*\[FER_CONFIG_DOUBT\]/,
    );
    assert.deepEqual(more, []);
  });

  it('Two orders for the same registers', async (t) => {
    assert.equal((await doubtsOf(t, ['a,holding,10,float32,ABCD,,', 'b,holding,10,float32,CDAB,,'])).length, 1);
  });

  it('A value that reaches into another', async (t) => {
    const doubts = await doubtsOf(t, [
      'a,holding,10,float32,,,',
      'b,holding,11,float32,,,',
      'c,holding,13,float32,,,',
      'far,holding,90,int16,,,',
    ]);
    assert.match(doubts.join('\n'), /^\S+ row 3, column address: b \(float32 at holding 11-12\) overlaps a /);
    assert.equal(doubts.length, 1);
  });

  it('Bits, bytes and raw data of a register are no doubt, nor the same value twice, nor other areas', async (t) => {
    const rows = [
      'a,holding,10,uint16,,,',
      'b,holding,10,,,3,',
      'c,holding,10,bitfield,,4,3',
      'd,holding,10,uint8,,,',
      'e,holding,10,uint16,,,',
      'f,input,10,int32,,,',
    ];
    assert.deepEqual(await doubtsOf(t, rows), []);
  });

  it('Digits beside an area that look like Modicon notation: said once for all', async (t) => {
    const [doubt, ...more] = await doubtsOf(t, ['a,holding,40001,,,,', 'b,holding,40002,,,,', 'c,input,40003,,,,']);
    assert.match(
      doubt ?? '',
      /row 2, column address: a: beside an area, 40001 counts from 0; as Modicon notation it would be holding 0\. The same goes for 1 more/,
    );
    assert.deepEqual(more, []);
  });

  it('They do not go on without end', async (t) => {
    const rows = Array.from({ length: 100 }, (_, index) => `t${index},holding,10,${index % 2 ? 'int32' : 'float32'},,,`);
    const doubts = await doubtsOf(t, rows);
    assert.equal(doubts.length, 21);
    assert.match(doubts.join('\n'), /meter: \d+ more tags like these/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolvePoint } from '../../src/field/modbus/point.js';
import type { ModbusDeviceConfig, TagConfig } from '../../src/field/schema.js';
import { COLUMNS } from '../../src/field/tags-file/columns.js';
import { CsvFault, readRecord } from '../../src/field/tags-file/csv.js';
import { TagTable } from '../../src/field/tags-file/table.js';
import { writeTagTable } from '../../src/field/tags-file/write.js';
import { fieldConfig } from './support.js';

const table = (content: string | Buffer) => new TagTable(content, '/x/tags.csv');
const HEADER = 'name,area,address,type\n';

/** Tags as the configuration has them, defaults filled in. */
async function configured(tags: unknown[]): Promise<{ device: ModbusDeviceConfig; tags: TagConfig[] }> {
  const config = await fieldConfig({
    buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }],
    devices: [{ name: 'd', bus: 'b', scan: { fast: '1s', slow: '10s' }, tags }],
  });
  const device = config.devices[0] as ModbusDeviceConfig;
  return { device, tags: device.tags };
}

describe('CSV', () => {
  const cases: [string, string, (string | null)[]][] = [
    ['plain cells', 'a,b,c', ['a', 'b', 'c']],
    ['empty cells', ',b,', [null, 'b', null]],
    ['an empty text', '"",b', ['', 'b']],
    ['a separator in quotes', '"a,b",c', ['a,b', 'c']],
    ['a quote in quotes', '"a ""b""",c', ['a "b"', 'c']],
    ['a line end in quotes', '"a\r\nb",c', ['a\r\nb', 'c']],
    ['spaces are part of a cell', ' a , b', [' a ', ' b']],
    ['nothing', '', [null]],
  ];
  for (const [name, text, cells] of cases) {
    for (const end of ['', '\n', '\r\n', '\r']) {
      test(`${name}, with ${JSON.stringify(end)} behind`, () => {
        const record = readRecord(text + end, 0, ',');
        assert.deepEqual([record.cells, record.next], [cells, (text + end).length]);
      });
    }
  }
  for (const text of ['"a', '"a"b,c', 'a"b,c']) test(`${text} is refused`, () => assert.throws(() => readRecord(text, 0, ','), CsvFault));
});

describe('a tag list', () => {
  test('its columns are the keys of a tag', () => {
    const names = COLUMNS.map(({ name }) => name);
    for (const name of [
      'name',
      'area',
      'address',
      'type',
      'order',
      'bit',
      'write.max',
      'write.read_back',
      'clamp.min',
      'enum',
      'invalid',
      'max_interval',
    ])
      assert.ok(names.includes(name), name);
  });

  for (const [name, content] of [
    ['commas', `${HEADER}a,holding,1,int16\n`],
    ['semicolons', 'name;area;address;type\na;holding;1;int16\n'],
    ['tabs', 'name\tarea\taddress\ttype\na\tholding\t1\tint16\n'],
    ['a byte order mark', `\uFEFF${HEADER}a,holding,1,int16`],
    ['its separator declared', 'sep=;\r\nname;area;address;type\r\na;holding;1;int16\r\n'],
    ['blank rows and a short one', `\n${HEADER},,,\n\na,holding,1,int16\n,,\n`],
    ['another order of columns', 'type,address,area,name\nint16,1,holding,a\n'],
    ['quotes everywhere', '"name","area","address","type"\n"a","holding","1","int16"\n'],
    ['a column without a name and values', 'name,,area,address,type\na,,holding,1,int16\n'],
  ]) {
    test(`with ${name} is read`, () => {
      const { tags, faults } = table(Buffer.from(content!));
      assert.deepEqual([tags, faults], [[{ name: 'a', area: 'holding', address: 1, type: 'int16' }], []]);
    });
  }

  test('every kind of key is read as the configuration has it', () => {
    const { tags, faults } = table(
      'name;area;address;scale;invalid;enum;write.read_back;write.max;deadband;min_interval;unit;clamp.min\n' +
        'a;holding;0x10;1e-3;0x8000|NaN|-1;"0=off|1=on";TRUE;12.5;2%;500ms;°C;-5\n' +
        'b;holding;7;;0xFFFFFFFFFFFFFFFF;"{""0"":""a|b""}";false;;0.5;0;"";\n',
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(tags, [
      {
        name: 'a',
        area: 'holding',
        address: '0x10',
        scale: 0.001,
        invalid: [0x8000, 'NaN', -1],
        enum: { '0': 'off', '1': 'on' },
        write: { read_back: true, max: 12.5 },
        deadband: '2%',
        min_interval: '500ms',
        unit: '°C',
        clamp: { min: -5 },
      },
      {
        name: 'b',
        area: 'holding',
        address: 7,
        invalid: ['0xFFFFFFFFFFFFFFFF'],
        enum: { '0': 'a|b' },
        write: { read_back: false },
        deadband: 0.5,
        min_interval: '0',
        unit: '',
      },
    ]);
  });

  test('digits beside an area count from 0, without one they are Modicon notation', () => {
    const { tags } = table('name,area,address\na,holding,40001\nb,,40001\nc,,000017\nd,,40001.3\n');
    assert.deepEqual(tags, [
      { name: 'a', area: 'holding', address: 40001 },
      { name: 'b', address: '40001' },
      { name: 'c', address: '000017' },
      { name: 'd', address: '40001.3' },
    ]);
  });

  describe('says where it is wrong', () => {
    const cases: [string, string | Buffer, RegExp][] = [
      ['an unknown column', 'name,address,colour\n', /^\/x\/tags\.csv:1:14 row 1: There is no column "colour"\. There are: name, area/],
      ['a column written otherwise', 'name,address,WriteMax\n', /There is no column "WriteMax"\. It is written write\.max\./],
      ['a column twice', 'name,address,name\n', /:1:14 row 1: The column name is there twice/],
      ['a missing column', 'name,type\n', /:1:1 row 1: The column address is missing/],
      ['nothing', '', /The tag list is empty/],
      ['only blank lines', '\n\n', /The tag list is empty/],
      [
        'no number',
        `${HEADER.trim()},scale\na,holding,1,int16,0\nb,holding,2,int16,fast\n`,
        /:3:19 row 3, column scale: scale: "fast" is no number/,
      ],
      ['a decimal comma', 'name;address;scale\na;40001;0,1\n', /:2:9 row 2, column scale: .* Write the decimal point as a point/],
      [
        'neither true nor false',
        'name,address,write.read_back\na,40001,maybe\n',
        /row 2, column write\.read_back: .*neither true nor false/,
      ],
      ['a name without its value', 'name,address,enum\na,40001,off\n', /column enum: enum: "off" has no "="/],
      ['a value with two names', 'name,address,enum\na,40001,0=a|0=b\n', /column enum: enum: 0 stands there twice/],
      ['a row too long', `${HEADER}a,holding,1,int16,extra\n`, /:2:19 row 2: The row has 5 cells, the header 4/],
      ['a value in a nameless column', 'name,,address\na,x,40001\n', /:2:3 row 2: There is a value in a column without a name/],
      [
        'a quote that is never closed',
        `${HEADER}a,holding,1,int16\n"b,holding\n`,
        /:3:1 row 3: This is no CSV: a quote is opened here and never closed/,
      ],
      ['a quote within a cell', `${HEADER}a"b,holding,1,int16\n`, /:2:2 row 2: This is no CSV/],
      [
        'what is no UTF-8',
        Buffer.from(`${HEADER}a,holding,1,int16\nTür,holding,2,int16\n`, 'latin1'),
        /tags\.csv:3: .*not UTF-8.*"CSV UTF-8"/,
      ],
      ['UTF-16', Buffer.from(`\uFEFF${HEADER}`, 'utf16le'), /UTF-16.*"CSV UTF-8"/],
      ['a spreadsheet', Buffer.from('PK\u0003\u0004rest', 'latin1'), /a spreadsheet or an archive/],
    ];
    for (const [name, content, message] of cases) {
      test(name, () => {
        const { faults } = table(content);
        assert.equal(faults.length > 0 && faults[0]!.code, 'FER_FIELD_TAGS_FILE');
        assert.match(faults[0]!.toLine(), message);
      });
    }

    test('a row behind one of several lines has its own line', () => {
      const { faults } = table('name,address,description,scale\na,40001,"two\nlines",1\nb,40002,,x\n');
      assert.match(faults[0]!.toLine(), /:4:10 row 3, column scale/);
    });

    test('every fault at once, but not without end', () => {
      const { faults } = table(`name,address,scale\n${'a,40001,x\n'.repeat(2000)}`);
      assert.equal(faults.length, 50);
    });
  });
});

describe('tags that are exported and imported again', () => {
  const tags = [
    { name: 'plain', area: 'holding', address: 0 },
    { name: 'modicon', address: '40001.3' },
    { name: 'both', area: 'input', address: '30010', type: 'int32', order: 'CDAB' },
    { name: 'hex', area: 'holding', address: '0x20' },
    { name: 'far', area: 'holding', address: 40001 },
    { name: 'coil', address: '000017', access: 'read_write' },
    { name: 'text', area: 'holding', address: 100, type: 'string', length: 10, padding: 'space', unit: '', description: 'a "b", c;\r\nd' },
    { name: 'Über alles', area: 'holding', address: 7, unit: '°C', description: ' blank, around ' },
    { name: '007', area: 'holding', address: 8, type: 'uint8', byte: 'high', scan: 'slow' },
    { name: 'bits', area: 'holding', address: 9, type: 'bitfield', bit: 4, bits: 3, enum: { '0': 'off', '1': 'a|b', '2': 'c=d' } },
    { name: 'state', area: 'holding', address: 10, type: 'int16', enum: { '-1': 'down', '0': ' off ', '1': 'on=yes' } },
    { name: 'sentinels', area: 'holding', address: 11, type: 'uint64', invalid: ['0xFFFFFFFFFFFFFFFF', 0] },
    { name: 'nan', area: 'holding', address: 16, type: 'float32', invalid: ['NaN'], scale: 1e-7, offset: -273.15, precision: 0 },
    {
      name: 'setpoint',
      area: 'holding',
      address: 20,
      type: 'int16',
      scale: 0.1,
      access: 'read_write',
      write: { min: -5.5, max: 100, read_back: true, tolerance: 0.05, single: false },
      clamp: { min: -10 },
      deadband: '2.5%',
      publish: 'every_scan',
      min_interval: '1.5s',
      max_interval: '2h',
    },
    { name: 'scaled', area: 'holding', address: 22, type: 'int16', scale_register: 30, unit: 'W' },
    { name: 'scaled from before', area: 'holding', address: 24, type: 'uint32', scale_register: 23, invalid: [4294967295] },
    { name: 'amount', area: 'holding', address: 21, deadband: 0, min_interval: '90s', max_interval: '1d' },
  ];

  for (const options of [{}, { separator: ';', bom: true }, { separator: '\t' }] as const) {
    test(`lose nothing, with ${JSON.stringify(options)}`, async () => {
      const before = await configured(tags);
      const text = writeTagTable(before.tags, options);
      const { tags: written, faults } = table(Buffer.from(text));
      assert.deepEqual(faults, []);
      const after = await configured(written);
      const pointOf = (device: ModbusDeviceConfig) => device.tags.map((tag) => resolvePoint(tag, device));
      assert.deepEqual(pointOf(after.device), pointOf(before.device));
      // Modicon notation needs no area, and has none in a list.
      const withoutArea = (list: TagConfig[]) => list.map((tag) => (typeof tag.address === 'string' ? { ...tag, area: null } : tag));
      assert.deepEqual(withoutArea(after.tags), withoutArea(before.tags));
      assert.equal(writeTagTable(after.tags, options), text);
    });
  }

  test('have only the columns that they need', async () => {
    const { tags: few } = await configured([{ name: 'a', area: 'holding', address: 1 }]);
    assert.equal(writeTagTable(few), 'name,area,address,type\r\na,holding,1,\r\n');
  });
});

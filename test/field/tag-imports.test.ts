import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Selection, select } from '../../src/field/tags-file/import/imported.js';
import { importNeuron, type NeuronOptions } from '../../src/field/tags-file/import/neuron.js';
import { importTelegraf } from '../../src/field/tags-file/import/telegraf.js';
import type { WrittenTag } from '../../src/field/tags-file/table.js';
import { decode } from './one-tag.js';

const FILE = '/x/list';
const lines = (faults: readonly { toLine(): string }[]) => faults.map((fault) => fault.toLine());

/** One tag of Neuron. */
function neuron(address: string, type: string, more: Record<string, unknown> = {}, options: NeuronOptions = {}) {
  const { tags, faults, notes } = importNeuron(
    JSON.stringify({ tags: [{ name: 't', address, type, attribute: 1, ...more }] }),
    FILE,
    options,
  );
  return { tag: tags[0]?.tag, unit: tags[0]?.unit, fault: lines(faults)[0] ?? null, notes };
}

describe("Neuron's notation", () => {
  const cases: [string, string, WrittenTag][] = [
    ['1!400001', 'INT16', { area: 'holding', address: 0, type: 'int16', order: 'AB' }],
    ['1!40001', 'UINT16', { area: 'holding', address: 0, type: 'uint16', order: 'AB' }],
    ['1!300004#B', 'INT16', { area: 'input', address: 3, type: 'int16', order: 'BA' }],
    ['1!300004#L', 'uint16', { area: 'input', address: 3, type: 'uint16', order: 'AB' }],
    ['1!400004', 'INT32', { area: 'holding', address: 3, type: 'int32' }],
    ['1!400004#LL', 'FLOAT', { area: 'holding', address: 3, type: 'float32', order: 'ABCD' }],
    ['1!400004#LB', 'UINT32', { area: 'holding', address: 3, type: 'uint32', order: 'BADC' }],
    ['1!400001#BL', 'FLOAT', { area: 'holding', address: 0, type: 'float32', order: 'CDAB' }],
    ['1!400004#BB', 'INT32', { area: 'holding', address: 3, type: 'int32', order: 'DCBA' }],
    ['1!400005', 'DOUBLE', { area: 'holding', address: 4, type: 'float64', order: 'ABCDEFGH' }],
    ['1!400005', '7', { area: 'holding', address: 4, type: 'int64', order: 'ABCDEFGH' }],
    ['2!400001.15', 'BIT', { area: 'holding', address: 0, type: 'bool', bit: 15, order: 'AB' }],
    ['1!000017', 'BIT', { area: 'coil', address: 16 }],
    ['1!100001', '11', { area: 'discrete', address: 0 }],
    ['1!400001.10H', 'STRING', { area: 'holding', address: 0, type: 'string', length: 10, order: 'AB' }],
    ['1!400001.10L', 'STRING', { area: 'holding', address: 0, type: 'string', length: 10, order: 'BA' }],
    ['1!400001.10D', 'STRING', { area: 'holding', address: 0, type: 'string', length: 10, order: 'AB', byte: 'low' }],
    ['1!400001.10E', 'STRING', { area: 'holding', address: 0, type: 'string', length: 10, order: 'AB', byte: 'high' }],
    ['1!400001.8', 'BYTES', { area: 'holding', address: 0, type: 'raw', length: 8, order: 'AB' }],
    ['1!465536', 'UINT16', { area: 'holding', address: 65535, type: 'uint16', order: 'AB' }],
  ];
  for (const [address, type, tag] of cases) {
    test(`${address} of type ${type}`, () => {
      const read = neuron(address, type);
      assert.deepEqual([read.fault, read.tag], [null, { name: 't', ...tag }]);
      assert.equal(read.unit, Number(address[0]));
    });
  }

  test('the bytes 1234 are in the order that the manual gives each letter pair', async () => {
    // Value 0x01020304; the manual: #LL 1,2,3,4; #LB 2,1,4,3; #BL 3,4,1,2; #BB 4,3,2,1; #L 1,2; #B 2,1.
    for (const [endian, wire] of Object.entries({ LL: '01020304', LB: '02010403', BL: '03040102', BB: '04030201' })) {
      const { name: _, ...tag } = neuron(`1!400001#${endian}`, 'UINT32').tag!;
      assert.equal(await decode(tag, wire), 0x01020304, endian);
    }
    for (const [endian, wire] of Object.entries({ L: '0102', B: '0201' })) {
      const { name: _, ...tag } = neuron(`1!400001#${endian}`, 'UINT16').tag!;
      assert.equal(await decode(tag, wire), 0x0102, endian);
    }
  });

  test('factor, bias, precision, attribute and description', () => {
    const more = { decimal: 0.1, bias: -40, precision: 2, attribute: 3, description: 'flow', unit: '°C' };
    const { tag } = neuron('1!400001#BL', 'FLOAT', more);
    assert.deepEqual(tag, {
      name: 't',
      area: 'holding',
      address: 0,
      type: 'float32',
      order: 'CDAB',
      access: 'read_write',
      scale: 0.1,
      offset: -40,
      precision: 2,
      description: 'flow',
      unit: '°C',
    });
    // What an export writes where nothing is set.
    const plain = neuron('1!400001#L', 'INT16', { decimal: 0, bias: 0, precision: 0, description: '', attribute: 5 }).tag;
    assert.deepEqual(plain, { name: 't', area: 'holding', address: 0, type: 'int16', order: 'AB' });
  });

  test('a node whose addresses count from 0', () => {
    assert.deepEqual(neuron('1!400000', 'INT16', {}, { start: 0 }).tag?.address, 0);
    assert.deepEqual(neuron('1!400010', 'INT16', {}, { start: 0 }).tag?.address, 10);
  });

  test('what depends on the settings of the node is said', () => {
    assert.match(
      neuron('1!400001', 'FLOAT').notes.join('\n'),
      /1 tag of 32 bits names no byte order: in Neuron it follows the node's setting/,
    );
    assert.match(neuron('1!400001', 'INT64').notes.join('\n'), /1 tag of 64 bits is taken as 12345678/);
    assert.deepEqual(neuron('1!400001#LL', 'FLOAT').notes, []);
  });

  const refused: [string, string, Record<string, unknown>, RegExp][] = [
    ['400001', 'INT16', {}, /"400001" is no address\. It is SLAVE!ADDRESS/],
    ['1!4001', 'INT16', {}, /which of them is the table is a guess/],
    ['1!4000001', 'INT16', {}, /which of them is the table is a guess/],
    ['1!200001', 'INT16', {}, /is in no table/],
    ['1!400000', 'INT16', {}, /counts from 0.*--start 0/],
    ['1!465537', 'INT16', {}, /behind the last register/],
    ['300!400001', 'INT16', {}, /no slave 300/],
    ['1!400001', 'BIT', {}, /does not say which bit/],
    ['1!400001.16', 'BIT', {}, /does not fit type bool/],
    ['1!000001.3', 'BIT', {}, /has no bits/],
    ['1!000001', 'INT16', {}, /a coil is a BIT, not int16/],
    ['1!400001.10', 'STRING', {}, /Neuron's manual says L, the program takes H\. Write \.10H/],
    ['1!400001', 'STRING', {}, /Write the length/],
    ['1!400001#BB', 'INT64', {}, /does not document what #BB means for 64 bits/],
    ['1!400001#BL', 'INT16', {}, /does not fit type int16\. Use #L or #B/],
    ['1!400001#B', 'INT32', {}, /Use #LL, #LB, #BL or #BB/],
    ['1!400001', 'INT8', {}, /Neuron's Modbus drivers have no type INT8/],
    ['1!400001', 'TIME', {}, /there is no type TIME/],
    ['1!300001', 'INT16', { attribute: 3 }, /input can't be written/],
    ['1!400001', 'INT16', { attribute: 'Read Static' }, /static tag is not in the device/],
    ['1!400001', 'INT16', { attribute: 'Read Often' }, /no attribute OFTEN/],
    ['1!400001.1H', 'STRING', { decimal: 2 }, /decimal: type string has none/],
    ['1!400001', 'FLOAT', { precision: 0.1 }, /precision: 0\.1 is no number of digits.*factor is in the column decimal/],
    ['1!400001', 'FLOAT', { decimal: '0,1' }, /decimal: "0,1" is no number/],
  ];
  for (const [address, type, more, reason] of refused) {
    test(`${address} of type ${type} ${JSON.stringify(more)} is refused with the reason`, () => {
      const { tag, fault } = neuron(address, type, more);
      assert.equal(tag, undefined);
      assert.match(fault ?? '', reason);
    });
  }
});

describe("Neuron's lists", () => {
  const rows = [
    'Group,Interval,Name,Address,Attribute,Type,Description,Decimal,Precision,Bias',
    'fast,100,speed,1!400001,Read Write,INT16,"speed, set",0.1,,',
    'fast,100,run,1!000001,Read Subscribe,BIT,,,,',
    'slow,1000,hours,1!400010#BL,Read,UINT32,,,,',
  ];

  for (const separator of [',', ';']) {
    test(`its table saved as CSV with ${separator}`, () => {
      const text = `\uFEFF${rows.join('\r\n').replaceAll(',', separator).replace(`speed${separator} set`, 'speed, set')}\r\n`;
      const { tags, faults, notes } = importNeuron(text, FILE);
      assert.deepEqual(faults, []);
      assert.deepEqual(
        tags.map(({ tag, group, unit }) => [tag.name, group, unit]),
        [
          ['speed', 'fast', 1],
          ['run', 'fast', 1],
          ['hours', 'slow', 1],
        ],
      );
      assert.deepEqual(tags[0]?.tag.description, 'speed, set');
      assert.match(notes.join('\n'), /\{fast: 100ms, slow: 1000ms\}/);
    });
  }

  test('its faults name row and column', () => {
    const { faults } = importNeuron([...rows, 'slow,1000,bad,1!400020,Read,INT7,,,,', '"'].join('\n'), FILE);
    const said = lines(faults).join('\n');
    assert.match(said, /^\/x\/list:5:29 row 5, column type: bad: type: there is no type INT7\./m);
    assert.match(said, /^\/x\/list:6:1 row 6: This is no CSV/m);
  });

  test('JSON of a node, with its groups', () => {
    const json = {
      node: 'plc',
      groups: [{ group: 'g', interval: 500, tags: [{ name: 'a', address: '3!400001', type: 3, attribute: 1 }] }],
    };
    const [found] = importNeuron(JSON.stringify(json), FILE).tags;
    assert.deepEqual([found?.node, found?.group, found?.unit, found?.where], ['plc', 'g', 3, { file: FILE, subject: 'groups[0].tags[0]' }]);
  });

  test('JSON of all nodes: one is chosen', () => {
    const tag = { name: 'a', address: '1!400001', type: 3, attribute: 1 };
    const nodes = ['plc1', 'plc2'].map((name) => ({
      name,
      plugin: 'Modbus TCP',
      params: { host: 'x' },
      groups: [{ group: 'g', interval: 1000, tags: [tag] }],
    }));
    const imported = importNeuron(JSON.stringify({ nodes }), FILE);
    const chosen = (selection: Selection) => select(imported, selection);
    assert.match(lines(chosen({ groups: 'ignore' }).faults)[0] ?? '', /The tags are of 2 devices: plc1, plc2\. .*--node/);
    assert.equal(chosen({ groups: 'ignore', node: 'plc2' }).tags.length, 1);
    assert.match(lines(chosen({ groups: 'ignore', node: 'plc3' }).faults)[0] ?? '', /no tags of plc3/);
  });

  for (const [name, text, reason] of [
    ['no JSON', '{"tags": [', /This is no JSON/],
    ['JSON without tags', '{"nodes": []}', /There are no tags in it/],
    ['a table without an address', 'name,type\na,INT16', /The column address is missing/],
    ['nothing', '', /The list is empty/],
  ] as const) {
    test(`${name} is refused`, () => assert.match(lines(importNeuron(text, FILE).faults)[0] ?? '', reason));
  }
});

describe('what is chosen of a list', () => {
  const tag = (name: string, address: string) => ({ name, address, type: 'INT16', attribute: 'Read' });
  const imported = importNeuron(
    JSON.stringify({
      groups: [
        { group: 'g', tags: [tag('a', '1!400001'), tag('x', '2!400001')] },
        { group: 'h', tags: [tag('a', '1!400002')] },
      ],
    }),
    FILE,
  );
  const chosen = (selection: Selection) => {
    const { tags, faults } = select(imported, selection);
    return faults.length > 0 ? lines(faults)[0] : tags.map(({ tag: each }) => [each.name, each.scan]);
  };

  test('tags of several units are of several devices', () => assert.match(String(chosen({ groups: 'prefix' })), /units 1, 2\. .*--unit/));
  test('a name in two groups is refused, or told apart', () => {
    assert.match(String(chosen({ groups: 'ignore', unit: 1 })), /The name a is there in g and in h\. .*--groups prefix/);
    assert.deepEqual(chosen({ groups: 'prefix', unit: 1 }), [
      ['g_a', undefined],
      ['h_a', undefined],
    ]);
  });
  test('a group may be a scan class', () => assert.deepEqual(chosen({ groups: 'scan', unit: 2 }), [['x', 'g']]));
});

describe("Telegraf's Modbus input", () => {
  const register = (list: string, fields: string, more = '') => `[[inputs.modbus]]\nslave_id = 1\n${more}\n${list} = [\n${fields}\n]\n`;
  const one = (text: string) => {
    const { tags, faults } = importTelegraf(text, FILE);
    return faults.length > 0 ? lines(faults)[0] : tags[0]?.tag;
  };

  const fields: [string, WrittenTag][] = [
    ['byte_order = "AB", data_type = "INT16", scale = 1.0, address = [7]', { address: 7, type: 'int16', order: 'AB' }],
    ['byte_order = "BA", data_type = "FIXED", scale = 0.01, address = [0]', { address: 0, type: 'int16', order: 'BA', scale: 0.01 }],
    ['byte_order = "CDAB", data_type = "UFIXED", scale = 0.1, address = [3, 4]', { address: 3, type: 'uint32', order: 'CDAB', scale: 0.1 }],
    ['byte_order = "DCBA", data_type = "FLOAT32-IEEE", scale = 1.0, address = [3, 4]', { address: 3, type: 'float32', order: 'DCBA' }],
    ['byte_order = "GHEFCDAB", data_type = "UINT64", scale = 1.0, address = [1,2,3,4]', { address: 1, type: 'uint64', order: 'GHEFCDAB' }],
    [
      'byte_order = "HGFEDCBA", data_type = "FLOAT64-IEEE", scale = 2.0, address = [1,2,3,4]',
      { address: 1, type: 'float64', order: 'HGFEDCBA', scale: 2 },
    ],
    ['byte_order = "AB", data_type = "UINT8H", scale = 1.0, address = [1]', { address: 1, type: 'uint8', order: 'AB', byte: 'high' }],
  ];
  for (const [text, tag] of fields) {
    test(`register style: ${text}`, () => {
      assert.deepEqual(one(register('holding_registers', `  { name = "t", ${text} },`)), { name: 't', area: 'holding', ...tag });
    });
  }

  test('register style: coils and inputs', () => {
    assert.deepEqual(one(register('coils', '{ name = "run", address = [16] }')), { name: 'run', area: 'coil', address: 16 });
    assert.deepEqual(one(register('discrete_inputs', '{ name = "stop", address = [1] }')), { name: 'stop', area: 'discrete', address: 1 });
  });

  const refused: [string, string, RegExp][] = [
    [
      'a FLOAT32, which is no float there',
      'byte_order = "ABCD", data_type = "FLOAT32", scale = 1.0, address = [0, 1]',
      /FLOAT32 is an unsigned integer in this style, and a float in the others\. Write UFIXED or FLOAT32-IEEE/,
    ],
    [
      'registers that do not follow one another',
      'byte_order = "ABCD", data_type = "INT32", scale = 1.0, address = [1, 0]',
      /\[1, 0\] are not registers that follow one another/,
    ],
    [
      'a type that does not fit its registers',
      'byte_order = "ABCD", data_type = "INT16", scale = 1.0, address = [0, 1]',
      /do not fit one another/,
    ],
    [
      'an order that does not fit its registers',
      'byte_order = "AB", data_type = "INT32", scale = 1.0, address = [0, 1]',
      /do not fit one another/,
    ],
    ['an unknown order', 'byte_order = "ACBD", data_type = "INT32", scale = 1.0, address = [0, 1]', /no order ACBD/],
    ['no order', 'data_type = "INT32", scale = 1.0, address = [0, 1]', /byte_order/],
    ['an unknown type', 'byte_order = "AB", data_type = "INT17", scale = 1.0, address = [0]', /no type INT17/],
    ['a scale of 0', 'byte_order = "AB", data_type = "INT16", scale = 0.0, address = [0]', /scale: 0/],
    ['an address that is none', 'byte_order = "AB", data_type = "INT16", scale = 1.0, address = 0', /a list of numbers/],
  ];
  for (const [name, text, reason] of refused) {
    test(`register style: ${name} is refused at its line`, () => {
      const fault = one(register('holding_registers', `  { name = "t", ${text} },`));
      assert.match(String(fault), reason);
      assert.match(String(fault), /^\/x\/list:5 t: /);
    });
  }

  test('request style: the register table and order of the request, omitted fields left out', () => {
    const { tags, faults } = importTelegraf(
      `[[inputs.modbus]]
  configuration_type = "request"
  [[inputs.modbus.request]]
    slave_id = 3
    byte_order = "CDAB"
    register = "input"
    measurement = "m"
    fields = [
      { address = 0, name = "u", type = "FLOAT32" },
      { address = 2, name = "skip", type = "INT16", omit = true },
      { address = 3, name = "n", type = "UINT16", scale = 0.1, output = "FLOAT64", measurement = "other" },
    ]
  [[inputs.modbus.request]]
    slave_id = 4
    register = "coil"
    fields = [{ address = 9, name = "c" }]
`,
      FILE,
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(
      tags.map(({ tag, unit, group }) => [tag, unit, group]),
      [
        [{ name: 'u', area: 'input', address: 0, type: 'float32', order: 'CDAB' }, 3, 'm'],
        [{ name: 'n', area: 'input', address: 3, type: 'uint16', order: 'CDAB', scale: 0.1 }, 3, 'other'],
        [{ name: 'c', area: 'coil', address: 9 }, 4, 'modbus'],
      ],
    );
  });

  test('metric style: a table for each field, bits, text, half floats', () => {
    const { tags, faults } = importTelegraf(
      `[[inputs.modbus]]
name = "plc"
configuration_type = "metric"
[inputs.modbus.workarounds]
string_register_location = "lower"
[[inputs.modbus.metric]]
slave_id = 1
byte_order = "LSW-BE"
fields = [
  { register = "coil", address = 0, name = "door" },
  { address = 1, name = "b", type = "BIT", bit = 3 },
  { address = 5, name = "h", type = "FLOAT16" },
  { address = 9, name = "s", type = "STRING", length = 8 },
  { register = "input", address = 20, name = "f", type = "FLOAT64" },
]
`,
      FILE,
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(
      tags.map(({ tag }) => tag),
      [
        { name: 'door', area: 'coil', address: 0 },
        { name: 'b', area: 'holding', address: 1, type: 'bool', bit: 3, order: 'CDAB' },
        { name: 'h', area: 'holding', address: 5, type: 'float16', order: 'CDAB' },
        { name: 's', area: 'holding', address: 9, type: 'string', length: 8, order: 'AB', byte: 'low' },
        { name: 'f', area: 'input', address: 20, type: 'float64', order: 'CDAB' },
      ],
    );
  });

  test('the four-letter orders mean for 16 and 64 bits what they mean there', async () => {
    // Telegraf: ABCD and CDAB are big-endian in 16 bits, BADC and DCBA little-endian; CDAB of 64 bits is GHEFCDAB.
    const wires: Record<string, [string, string]> = {
      ABCD: ['0102', '0102030405060708'],
      BADC: ['0201', '0201040306050807'],
      CDAB: ['0102', '0708050603040102'],
      DCBA: ['0201', '0807060504030201'],
    };
    for (const [order, [short, long]] of Object.entries(wires)) {
      const metric = (type: string) => {
        const text = `[[inputs.modbus]]\nconfiguration_type = "metric"\n[[inputs.modbus.metric]]\nbyte_order = "${order}"\nfields = [{ address = 0, name = "t", type = "${type}" }]`;
        const { name: _, ...tag } = importTelegraf(text, FILE).tags[0]!.tag;
        return tag;
      };
      assert.equal(await decode(metric('UINT16'), short), 0x0102, order);
      assert.equal(await decode(metric('UINT64'), long), '72623859790382856', order);
      if (order === 'BADC' || order === 'CDAB') continue;
      // The low byte of a register whose bytes are swapped comes first.
      assert.equal(await decode(metric('UINT8L'), short), 2, order);
      assert.equal(await decode(metric('UINT8H'), short), 1, order);
    }
  });

  test('several plugins: each is a device', () => {
    const text =
      register('coils', '{ name = "a", address = [1] }', 'name = "one"') +
      register('coils', '{ name = "b", address = [1] }', 'name = "two"');
    assert.deepEqual(
      importTelegraf(text, FILE).tags.map(({ node, tag }) => [node, tag.name]),
      [
        ['one', 'a'],
        ['two', 'b'],
      ],
    );
  });

  test('a configuration without the plugin, and what is no TOML, are refused', () => {
    assert.match(String(one('[[inputs.cpu]]\n')), /There is no \[\[inputs\.modbus\]\]/);
    assert.match(
      String(one('[[inputs.modbus]]\nname = oops\n')),
      /^\/x\/list:2:8: This is no TOML: oops is no value; text belongs in quotes/,
    );
  });
});

test('a long table takes no longer for each row than a short one', () => {
  const rows = Array.from({ length: 40_000 }, (_, index) => `g,t${index},1!4${String(index + 1).padStart(5, '0')},UINT16\n`);
  const begin = process.cpuUsage();
  const { tags, faults } = importNeuron(`group,name,address,type\n${rows.join('')}`, FILE);
  const { user } = process.cpuUsage(begin);
  assert.deepEqual([tags.length, faults], [40_000, []]);
  // Half a second; looking for line ends from the beginning took ten.
  assert.ok(user < 4_000_000, `${user} us`);
});

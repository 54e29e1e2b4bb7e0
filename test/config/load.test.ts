import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { ConfigErrors } from '../../src/config/errors.js';
import { type LoadedConfig, parseConfig } from '../../src/config/load.js';
import { takeNotYet } from '../../src/config/not-yet.js';
import { ConfigSchema } from '../../src/config/schema.js';

const FILE = '/etc/ferrule/ferrule.yaml';
const parse = (text: string): Promise<LoadedConfig> => parseConfig(text, FILE, { files: 'ignore' });

async function errorsOf(text: string): Promise<string[]> {
  try {
    await parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.errors.map((fault) => fault.toLine());
  }
}

describe('what a configuration leaves out', () => {
  for (const [what, text] of Object.entries({
    'An empty file': '',
    'A file of comments': '# nothing\n',
    'An empty section': 'broker:\naccess:\n',
  })) {
    it(`${what} gives all defaults`, async () => {
      const { config, warnings } = await parse(text);
      assert.deepEqual(warnings, []);
      assert.equal(config.gateway.id, hostname());
      assert.deepEqual(config.broker.listeners, [{ type: 'tcp', host: '::', port: 1883 }]);
      assert.equal(config.broker.limits.max_packet_size, 1_048_576);
      assert.equal(config.broker.limits.max_session_expiry, 30 * 86_400_000);
      assert.equal(config.broker.commit_interval, 'auto');
      assert.equal(config.log.level, 'info');
    });
  }

  it('Defaults are filled inside the branch of a union that the type names', async () => {
    const { config } = await parse('broker: {listeners: [{type: wss, cert: a, key: b}]}');
    assert.deepEqual(config.broker.listeners, [
      {
        type: 'wss',
        host: '::',
        port: 8084,
        path: '/mqtt',
        cert: '/etc/ferrule/a',
        key: '/etc/ferrule/b',
        require_client_cert: false,
        certificate_user: 'off',
      },
    ]);
  });

  it('The name of the gateway follows its id', async () => {
    assert.equal((await parse('gateway: {id: press-2}')).config.gateway.name, 'press-2');
  });
});

it('The schema itself is a correct one', () => {
  const ajv = new Ajv({ strict: false });
  assert.ok(ajv.validateSchema(ConfigSchema), ajv.errorsText());
});

describe('units', () => {
  it('Durations become ms, also beside a word in a union', async () => {
    assert.equal((await parse('broker: {commit_interval: 20ms}')).config.broker.commit_interval, 20);
  });

  it('Sizes become bytes; a bare number is bytes', async () => {
    const { limits } = (await parse('broker: {limits: {max_packet_size: 2KiB, client_buffer: 20000}}')).config.broker;
    assert.deepEqual([limits.max_packet_size, limits.client_buffer], [2048, 20_000]);
  });

  it('A bare 0 needs no unit', async () => {
    const { config } = await parse('broker: {commit_interval: 0, sys_interval: 0}');
    assert.deepEqual([config.broker.commit_interval, config.broker.sys_interval], [0, 0]);
  });
});

/** What it says, by what is written: `line:column` and words that must stand in the message or hint. */
const WRONG: [name: string, text: string, at: string, ...words: string[]][] = [
  ['an unknown key at the top', 'brokr: {}', '1:1', '"brokr"', 'Did you mean "broker"?', 'FER_CONFIG_UNKNOWN_KEY'],
  ['an unknown key deep inside', 'broker:\n  limits:\n    max_inflght: 3', '3:5', 'Did you mean "max_inflight"?'],
  ['a key in another spelling', 'broker:\n  limits: {maxInflight: 3}', '2:12', 'Did you mean "max_inflight"?'],
  ['an unknown key like none', 'gateway: {zzzzzz: 1}', '1:11', 'Known here: id, name, time_zone.'],
  ['a word that is not one of several', 'broker:\n  durability: strickt', '2:15', 'Did you mean strict?', 'Allowed: strict or relaxed'],
  ['an unknown type of listener', 'broker:\n  listeners:\n    - {type: tpc, port: 1}', '3:14', 'Did you mean tcp?', 'tls'],
  ['a listener without a type', 'broker:\n  listeners:\n    - {port: 1}', '3:7', '"type" is missing', 'tcp, tls, ws or wss'],
  ['a key of another type of listener', 'broker:\n  listeners:\n    - {type: tcp, path: /x}', '3:19', '"path" is not known here'],
  ['a missing key of a listener', 'broker:\n  listeners:\n    - {type: tls, key: k}', '3:7', '"cert" is missing', 'FER_CONFIG_MISSING_KEY'],
  ['a number in quotes', 'broker:\n  listeners: [{type: tcp, port: "1883"}]', '2:33', 'Remove the quotes'],
  ['a port out of range', 'broker: {listeners: [{type: tcp, port: 70000}]}', '1:40', 'from 0 to 65535'],
  ['a fraction for a whole number', 'broker: {limits: {max_inflight: 1.5}}', '1:33', 'whole number'],
  ['a number for text', 'gateway:\n  name: 12', '2:9', 'Put it into quotes: "12"'],
  ['a duration without a unit', 'broker:\n  sys_interval: 10', '2:17', '10 has no unit', '5s'],
  ['a duration in a wrong unit', 'broker:\n  sys_interval: 10 sec', '2:17', '"10 sec" is not a duration', '500ms'],
  ['a duration beyond its bounds', 'broker:\n  limits: {max_keep_alive: 2d}', '2:28', 'At most 18h'],
  ['a size beyond its bounds', 'broker:\n  limits: {max_packet_size: 10B}', '2:29', 'At least 1KiB'],
  ['a bare size beyond its bounds', 'broker:\n  limits: {max_packet_size: 10}', '2:29', 'At least 1KiB'],
  ['a negative size', 'broker:\n  limits: {max_packet_size: -1}', '2:29', '-1 is not a size'],
  ['a word or a duration', 'broker:\n  commit_interval: autp', '2:20', 'Did you mean auto?', 'a duration such as'],
  ['a boolean as a word', 'broker: {allow_anonymous: yes}', '1:27', 'true or false'],
  ['a value that is missing', 'broker:\n  durability:', '2:3', 'has no value'],
  ['a scalar for a section', 'broker: 12', '1:9', 'is not a mapping with listeners'],
  ['a list for a section', 'broker: [1]', '1:9', 'A list is not a mapping'],
  ['a list for the whole', '- broker', '1:1', 'A list is not a mapping'],
  ['text for the whole', 'hello', '1:1', '"hello" is not a mapping'],
  ['an id that does not fit into a topic', 'gateway: {id: a/b}', '1:15', '"a/b" is not', 'without spaces'],
  ['a time zone that does not exist', 'gateway:\n  time_zone: Europe/Lyons', '2:14', 'is not a time zone', 'FER_CONFIG_CONFLICT'],
  ['an unknown log level', 'log: {levels: {bridge: dbug}}', '1:24', 'Did you mean debug?'],
  ['two listeners on one port', 'broker:\n  listeners:\n    - {type: tcp}\n    - {type: ws, port: 1883}', '4:24', 'listener 1 (tcp)'],
  [
    'client certificates that nobody signs',
    'broker: {listeners: [{type: tls, cert: c, key: k, require_client_cert: true}]}',
    '1:72',
    'client_ca',
  ],
  ['a device on a bus that is not there', 'field:\n  devices:\n    - {name: m, bus: lin1, tags: []}', '3:22'],
  ['a bus of an unknown type', 'field: {buses: [{name: a, type: modbus_tpc, host: h}]}', '1:33', 'Did you mean modbus_tcp?'],
  [
    'a tag of an unknown type',
    'field:\n  buses: [{name: b, type: modbus_tcp, host: h}]\n  devices:\n    - {name: m, bus: b, tags: [{name: t, area: input, address: 0, type: flaot32}]}',
    '4:73',
    'Did you mean float32?',
  ],
  ['a device that is neither Modbus nor an instrument', 'field: {devices: [{name: m, bus: b}]}', '1:19', '"tags" is missing'],
  [
    'an instrument with a slip in its frame',
    'field: {devices: [{name: m, bus: b, frame: {type: delimiter, ned: x}, decode: {type: text, fields: [{name: a}]}}]}',
    '1:62',
    'Did you mean "end"?',
  ],
  ['a bridge without an address', 'bridges:\n  - name: cloud', '2:5', '"urls" is missing'],
  ['a bridge with an unknown preset', 'bridges: [{name: c, urls: ["mqtt://h"], preset: emqq}]', '1:49', 'Did you mean emqx?'],
  [
    'a secret that is not there',
    'bridges: [{name: c, urls: ["mqtt://h"], password: {secret: none}}]',
    '1:51',
    'no secret named "none"',
    'FER_CONFIG_SECRET',
  ],
  [
    'two bridges of one name',
    'bridges:\n  - {name: c, urls: ["mqtt://h"]}\n  - {name: c, urls: ["mqtt://i"]}',
    '3:12',
    'two bridges named c',
  ],
  ['a console on the port of a listener', 'broker: {listeners: [{type: ws, port: 8080}]}\nconsole:\n  port: 8080', '3:9', 'listener 1'],
  [
    'a Modbus server on the port of the broker',
    'field: {buses: [{name: b, type: modbus_tcp, host: h}], modbus_servers: [{name: m, host: 127.0.0.1, port: 1883, proxy: [{unit: 1, bus: b}]}]}',
    '1:106',
    'Port 1883 is taken by listener 1 of the broker as well',
    'Give Modbus server m or listener 1 of the broker another port',
  ],
  [
    'a Modbus server on the port of the console',
    'console: {host: localhost, port: 8080}\nfield: {buses: [{name: b, type: modbus_tcp, host: h}], modbus_servers: [{name: m, host: 127.0.0.1, port: 8080, proxy: [{unit: 1, bus: b}]}]}',
    '2:106',
    'Port 8080 is taken by the console as well',
  ],
  [
    'a bus that listens on the port of the broker',
    'field: {buses: [{name: b, type: modbus_tcp, listen: {port: 1883, allow: [10.0.0.1]}}]}',
    '1:60',
    'Port 1883 is taken by listener 1 of the broker as well',
  ],
  ['a console with half a certificate', 'console: {tls: {cert: a}}', '1:16', '"key" is missing'],
  ['a console with an unknown word for tls', 'console: {tls: aut}', '1:16', 'Did you mean auto?', 'a mapping with cert and key'],
  ['an access rule that says nothing', 'access:\n  rules:\n    - {user: a, topics: ["#"]}', '3:7', 'neither allows nor denies'],
  [
    'an access rule with a broken filter',
    'access: {rules: [{user: a, allow: [publish], topics: ["a#"]}]}',
    '1:55',
    '"a#" is not a topic filter',
  ],
  ['a key that stands twice', 'log: {}\nlog: {}', '2:1', 'twice', 'FER_CONFIG_SYNTAX'],
  ['a tab', 'broker:\n\tdurability: strict', '2:1', 'Tabs are not allowed', 'Indent with spaces'],
  ['an open bracket', 'broker: {limits: {}\nlog: {}', '2:1', 'FER_CONFIG_SYNTAX'],
  ['two documents', 'log: {}\n---\nlog: {}', '2:1', 'more than one YAML document'],
  ['an alias without an anchor', 'gateway:\n  name: *all', '2:9', 'has no anchor', '"*all"'],
  ['a value that must be quoted', 'gateway: {name: @home}', '1:17', 'Put the value into quotes'],
  ['a key that is a list', '[a]: 1', '1:1', 'plain text'],
  ['the key __proto__', '__proto__: {log: {}}', '1:1', '"__proto__" is not known here'],
];

describe('what is wrong is said with line and column', () => {
  for (const [name, text, at, ...words] of WRONG) {
    it(name, async () => {
      const errors = await errorsOf(text);
      assert.equal(errors.length, 1, errors.join('\n'));
      assert.ok(errors[0]?.startsWith(`${FILE}:${at}`), `${errors[0]} should be at ${at}`);
      for (const word of words) assert.ok(errors[0]?.includes(word), `${errors[0]} should say ${word}`);
    });
  }

  it('Every fault is told at once, in the order of the file', async () => {
    const errors = await errorsOf(
      'gateway: {id: a b}\nbroker:\n  durability: no\n  limits: {max_inflight: 0}\nlgo: {}\nlog: {level: loud}',
    );
    assert.deepEqual(
      errors.map((line) => line.split(' ')[0]),
      [`${FILE}:1:15`, `${FILE}:3:15`, `${FILE}:4:26`, `${FILE}:5:1`, `${FILE}:6:14`],
    );
  });

  it('The way of a value through an alias is followed to where it is written', async () => {
    const errors = await errorsOf('broker:\n  listeners:\n    - &first {type: tcp, port: 1}\n    - *first\n');
    assert.ok(errors[0]?.startsWith(`${FILE}:3:32`), errors[0]);
  });
});

describe('hostile input', () => {
  it('Nested aliases that multiply are refused', async () => {
    const levels = 'abcdefghij'.split('');
    const bomb = levels.map(
      (name, i) =>
        `${name}: &${name} [${
          i === 0
            ? 'x,x,x,x,x,x,x,x,x'
            : Array(9)
                .fill(`*${levels[i - 1]}`)
                .join(',')
        }]`,
    );
    const errors = await errorsOf(bomb.join('\n'));
    assert.match(errors[0] ?? '', /FER_CONFIG_LIMIT/);
  });

  it('A large part repeated by aliases is refused before it is copied', async () => {
    const big = `a: &a [${Array(20_000).fill('x').join(',')}]`;
    const errors = await errorsOf(`${big}\nb: [${Array(100).fill('*a').join(',')}]`);
    assert.match(errors[0] ?? '', /FER_CONFIG_LIMIT/);
  });

  it('Deep nesting is refused', async () => {
    const errors = await errorsOf(`broker: ${'['.repeat(20_000)}`);
    assert.ok(errors.length > 0);
  });
});

describe('keys that are not supported yet', () => {
  it('They are accepted with a warning that names the place', async () => {
    const { warnings } = await parse('history: {keep: 90d}\ndiscovery: {mdns: true}');
    assert.deepEqual(
      warnings.map((warning) => [warning.code, warning.where?.line, warning.where?.column, warning.where?.subject]),
      [
        ['FER_CONFIG_NOT_YET', 1, 1, 'history'],
        ['FER_CONFIG_NOT_YET', 2, 13, 'discovery.mdns'],
      ],
    );
  });

  it('A value of such a key for which nothing is to be done gives no warning', () => {
    const table = [{ path: ['limits', 'rate'], except: 0 }];
    assert.deepEqual(takeNotYet({ limits: { rate: 0 } }, table), []);
    assert.deepEqual(takeNotYet({ limits: { rate: 5 } }, table), [['limits', 'rate']]);
  });
});

describe('the field', () => {
  const MODBUS = (device: string, bus = '') =>
    `field:\n  buses: [{name: b, type: modbus_tcp, host: h${bus}}]\n  devices:\n    - name: d\n      bus: b\n${device}`;

  it('A bus that gives answers no time is refused', async () => {
    const [fault] = await errorsOf(MODBUS('      tags: []\n', ', timeout: 0s'));
    assert.match(fault ?? '', /^\/etc\/ferrule\/ferrule\.yaml:2:.*timeout.*10ms/);
  });

  it('A number that looks like Modicon notation is warned of, with its place', async () => {
    const tags = '      tags:\n        - {name: t, area: holding, address: 40010}\n        - {name: u, area: holding, address: 12}\n';
    const { warnings } = await parse(MODBUS(tags));
    assert.deepEqual(
      warnings.map((warning) => [warning.code, warning.where?.line, warning.message]),
      [['FER_CONFIG_DOUBT', 7, 't: beside an area, 40010 counts from 0; as Modicon notation it would be holding 9.']],
    );
  });

  it('Who sees only what can not be read is told that more may follow', async () => {
    const wrong = '      tags: [{name: t, area: holding, address: "40000"}]\n';
    const isComplete = async (text: string) => parse(text).then(String, (error: ConfigErrors) => error.isComplete);
    assert.equal(await isComplete(MODBUS(wrong)), true);
    assert.equal(await isComplete(MODBUS(wrong, ', colour: red')), false);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBridges } from '../../src/bridge/check-config.js';
import { config } from './support.js';

const paths = (...bridges: ReturnType<typeof config>[]): string[] => checkBridges(bridges, 'gw').map(({ path }) => path.join('.'));

test('The documented example is fine', () => {
  const findings = checkBridges(
    [
      config({
        urls: ['mqtts://a.example:8883', 'mqtts://b.example:8883'],
        out: [{ topic: 'field/#', to: 'plants/lyon/{topic}', qos: 1 }],
        in: [{ topic: 'plants/lyon/cmd/#', to: 'cmd/{rest}', qos: 1 }],
      }),
    ],
    'gw',
  );
  assert.deepEqual(findings, []);
});

test('A mapping that would feed itself is refused, with both directions named', () => {
  const [finding, ...more] = checkBridges(
    [
      config({
        out: [{ topic: '#', to: 'plants/lyon/{topic}', qos: 1 }],
        in: [{ topic: 'plants/lyon/cmd/#', to: 'cmd/{rest}', qos: 1 }],
      }),
    ],
    'gw',
  );
  assert.deepEqual(more, []);
  assert.deepEqual(finding?.path, [0, 'out', 0]);
  assert.match(finding?.message ?? '', /out # -> plants\/lyon\/\{topic\}, then in plants\/lyon\/cmd\/# -> cmd\/\{rest\}, then out #/);
});

test('A loop over several mappings is refused', () => {
  assert.deepEqual(
    paths(
      config({
        out: [
          { topic: 'a/#', to: 'up/a/{rest}', qos: 1 },
          { topic: 'b/#', to: 'up/b/{rest}', qos: 1 },
        ],
        in: [
          { topic: 'up/a/#', to: 'b/{rest}', qos: 1 },
          { topic: 'up/b/#', to: 'a/{rest}', qos: 1 },
        ],
      }),
    ),
    ['0.out.0'],
  );
});

test('Commands may land below a filter that goes up, as long as they do not come back down', () => {
  assert.deepEqual(paths(config({ out: [{ topic: '#', to: 'up/{topic}', qos: 1 }], in: [{ topic: 'down/#', to: '{rest}', qos: 1 }] })), []);
});

test('Every fault is found at once, each with its place', () => {
  assert.deepEqual(
    paths(
      config({ name: 'a', client_id: '{gateway}', urls: ['mqtt://h:1883'], out: [{ topic: 'x#', to: '{topic}', qos: 1 }] }),
      config({
        name: 'b',
        client_id: 'gw',
        urls: ['mqtt://h', 'mqtt://user:secret@h2', 'mqtt://h3/path'],
        tls: { verify: true, cert: '/c.pem' },
        reconnect: { min: 5000, max: 1000 },
        in: [{ topic: 'x', to: 'y/{rest}', qos: 1 }],
      }),
      config({ name: 'b', client_id: '{typo}' }),
    ),
    [
      '0.out.0.topic',
      '1.reconnect.max',
      '1.tls.cert',
      '1.urls.0',
      '1.urls.1',
      '1.urls.2',
      '1.client_id',
      '1.urls.1',
      '1.urls.2',
      '1.in.0.to',
      '2.name',
      '2.client_id',
    ],
  );
});

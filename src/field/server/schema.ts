import { Duration } from '../../config/units.js';
import { type Static, Type } from '../../schema-types.js';
import type { AREAS, ORDERS, REGISTER_TYPES } from '../schema.js';
import { literals, Name, object } from '../schema-parts.js';

/** One of `field.modbus_servers:`. After loading, durations are ms. */

const UNIT = { minimum: 0, maximum: 255 };
const access = (what: string) => literals(['read', 'read_write'] as const, { default: 'read', description: what });

interface Words {
  areas: typeof AREAS;
  types: typeof REGISTER_TYPES;
  orders: typeof ORDERS;
}

function tagMapSchema({ areas, types, orders }: Words) {
  return object(
    {
      unit: Type.Integer({ ...UNIT, default: 1, description: 'Unit id under which masters find it.' }),
      area: Type.Optional(literals(areas, { description: 'Table it is in; not needed where the address says it (Modicon notation).' })),
      address: Type.Union([Type.Integer({ minimum: 0, maximum: 65535 }), Type.String({ minLength: 1 })], {
        description: '0-based number with `area`, or Modicon notation as text: "40001", "400001".',
      }),
      device: Type.String({ minLength: 1, description: 'Device of the tag.' }),
      tag: Type.String({ minLength: 1, description: 'Name of the tag.' }),
      type: Type.Optional(
        literals(types, {
          description:
            "Type in the registers. Default: coded as in the device it comes from (type, length, scale and offset); an instrument's as float32, int32 or bool.",
        }),
      ),
      order: Type.Optional(literals(orders, { description: 'Order of the bytes. Default: ABCD.' })),
      byte: Type.Optional(
        literals(['high', 'low'] as const, { description: 'Which half of the register an 8-bit value is in. Default: low.' }),
      ),
      bit: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'Bit of the register, 0 is the lowest.' })),
      bits: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'Width of a bit field that starts at `bit`.' })),
      length: Type.Optional(Type.Integer({ minimum: 1, maximum: 246, description: 'Bytes of a string or of raw data.' })),
      scale: Type.Optional(
        Type.Number({ description: 'The value is what is in the registers times this; integers are rounded to the nearest step.' }),
      ),
      offset: Type.Optional(Type.Number({ description: 'Added after scaling.' })),
      access: access('Whether masters may write it; the tag itself must be writable as well.'),
      status: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 65535,
          description:
            'Address in the same table that tells the quality: 0 good, 1 uncertain, 2 stale, 3 bad (in a table of bits: 1 is stale or bad).',
        }),
      ),
    },
    'A tag as registers.',
  );
}

const ProxySchema = object(
  {
    unit: Type.Union([Type.Integer(UNIT), Type.String({ pattern: '^[0-9]{1,3}-[0-9]{1,3}$' })], {
      description: 'Unit id, or several in a row ("1-31"), under which masters find the device.',
    }),
    bus: Type.String({ minLength: 1, description: 'Modbus bus that the device is on.' }),
    device_unit: Type.Optional(
      Type.Integer({ ...UNIT, description: 'Unit id of the device on its bus; of several, the first. Default: the same.' }),
    ),
    max_age: Duration({
      default: '0',
      max: '1h',
      description:
        'Answers that are younger than this are given to other masters too, also those that the gateway read for itself. 0: only requests that are made at the same time share an answer.',
    }),
    access: access('Whether writes (functions 5, 6, 15, 16, 22, 23) are passed on.'),
    functions: Type.Array(Type.Integer({ minimum: 7, maximum: 127 }), {
      default: [43],
      description: 'Further functions that are passed on, whatever they do: 43 is device identification.',
    }),
  },
  'A device that masters reach through the gateway.',
);

export const modbusServerSchema = (words: Words) =>
  object(
    {
      name: Name('Name of the server.'),
      host: Type.String({
        minLength: 1,
        default: '127.0.0.1',
        description: 'Address to listen on. Any but the loopback needs `allow`: Modbus has no login.',
      }),
      port: Type.Integer({
        minimum: 0,
        maximum: 65535,
        default: 5020,
        description: 'TCP port. The usual 502 needs the right to use ports below 1024. 0: any free one.',
      }),
      framing: literals(['tcp', 'rtu'] as const, {
        default: 'tcp',
        description: 'tcp: Modbus TCP. rtu: masters that send RTU frames over TCP.',
      }),
      allow: Type.Optional(
        Type.Array(Type.String({ minLength: 1 }), {
          minItems: 1,
          description: 'Addresses and ranges (192.168.1.0/24) of masters. Default on the loopback: this machine.',
        }),
      ),
      max_connections: Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'Most connections at once; more are closed at once.',
      }),
      idle_timeout: Duration({ default: '5m', min: '1s', description: 'A connection without a request for this long is closed.' }),
      max_pending: Type.Integer({
        minimum: 1,
        maximum: 64,
        default: 16,
        description: 'Requests of one connection that are worked on at once; more wait in its socket.',
      }),
      max_rate: Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        default: 1000,
        description: 'Requests per second of one client address; more are answered later. 0: no limit.',
      }),
      queue_timeout: Duration({
        default: '1s',
        min: '50ms',
        max: '1m',
        description:
          'A request that its bus was not free for within this time is answered with exception 6 (busy), and never sent. Best below the timeout of the masters.',
      }),
      not_good: literals(['exception_4', 'exception_11', 'last_value'] as const, {
        default: 'exception_4',
        description: 'Answer for a tag that is stale or bad: an exception, or the last value beside its `status`.',
      }),
      unmapped: literals(['exception_2', 'zero'] as const, {
        default: 'exception_2',
        description: 'Answer for addresses between tags: exception 2 (illegal address), or zeros.',
      }),
      tags: Type.Array(tagMapSchema(words), { default: [], description: 'Tags as registers.' }),
      proxy: Type.Array(ProxySchema, { default: [], description: 'Devices that masters reach through the gateway.' }),
    },
    'A Modbus server: tags as registers, and devices behind the gateway.',
  );

export type ModbusServerConfig = Static<ReturnType<typeof modbusServerSchema>>;
export type TagMapConfig = ModbusServerConfig['tags'][number];
export type ProxyConfig = ModbusServerConfig['proxy'][number];

import { FilePath } from '../config/types.js';
import { Duration } from '../config/units.js';
import { type Static, Type } from '../schema-types.js';
import { HomeAssistantSchema } from './home-assistant/schema.js';
import { literals, Name, object, valueKeys } from './schema-parts.js';
import { type InstrumentConfig, InstrumentSchema } from './serial/schema.js';
import { modbusServerSchema } from './server/schema.js';

/** The `field:` section of the configuration. After loading, durations are ms and sizes bytes. */

const BusName = Name('Name of the bus; devices refer to it.');

const parity = (value: 'none' | 'even') =>
  Type.Union([Type.Literal('none'), Type.Literal('even'), Type.Literal('odd')], {
    default: value,
    description: 'Parity of each character.',
  });

const lineSettings = {
  port: Type.String({
    minLength: 1,
    description:
      'Serial port: its device file, best under /dev/serial/by-id or by-path, which keep their names; or `usb:` and the serial number of its adapter (`usb:A50285BI`, for one with several ports `usb:A50285BI:1`). See `ferrule serial ports`.',
  }),
  baud: Type.Integer({ minimum: 50, maximum: 4_000_000, default: 9600, description: 'Bits per second on the line.' }),
  data_bits: Type.Union([Type.Literal(5), Type.Literal(6), Type.Literal(7), Type.Literal(8)], {
    default: 8,
    description: 'Data bits per character.',
  }),
  parity: parity('none'),
  stop_bits: Type.Union([Type.Literal(1), Type.Literal(1.5), Type.Literal(2)], { default: 1, description: 'Stop bits per character.' }),
  flow_control: Type.Union([Type.Literal('none'), Type.Literal('rts_cts'), Type.Literal('xon_xoff')], {
    default: 'none',
    description: 'Flow control of the port.',
  }),
};

const host = Type.String({ minLength: 1, description: 'Host name or IP address.' });
const tcpPort = (value: number) => Type.Integer({ minimum: 1, maximum: 65535, default: value, description: 'TCP port.' });
const backup = Type.Optional(
  object(
    {
      host,
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'TCP port. Default: that of the first address.' })),
      return_after: Duration({ default: '60s', description: 'Time on this address after which the first one is tried again.' }),
    },
    'A second way to the same devices, taken where the first does not connect or does not answer.',
  ),
);
const listen = Type.Optional(
  object(
    {
      host: Type.String({ minLength: 1, default: '::', description: 'Address to listen on; `::` is every address, IPv4 included.' }),
      port: Type.Integer({ minimum: 1, maximum: 65535, description: 'TCP port to listen on.' }),
      allow: Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Addresses that may connect, single or as ranges (10.1.0.0/16). Whoever connects is taken for the device.',
      }),
    },
    'Wait for the device to connect (a modem that dials in) in place of connecting to it. One connection at a time.',
  ),
);
const hostUnlessListening = Type.Optional(Type.String({ minLength: 1, description: 'Host name or IP address; left out with `listen`.' }));
const connectTimeout = Duration({ default: '5s', min: '10ms', description: 'How long a connection may take to be established.' });
const retries = (value: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 10,
    default: value,
    description: 'How often a read that failed is sent again before the next scan.',
  });
const timeout = (value: string) => Duration({ default: value, min: '10ms', description: 'How long an answer may take to arrive.' });

/** Of a line: nothing in an answer says which request it is to. */
const duplicatesWithin = (value: string) =>
  Duration({
    default: value,
    max: '10s',
    description:
      'How long after an answer a second one to the same request may come because something on the way (a radio modem, a serial server) sends twice. What one frame could answer is kept so far apart; others go first. 0: nothing does that, as on a cable.',
  });
/** Nothing on a cable keeps a frame and sends it again. */
const onCable = duplicatesWithin('0ms');
const throughServer = duplicatesWithin('50ms');

/** What is connected to, or connects. */
const networkKeys = (port: number) => ({ host: hostUnlessListening, port: tcpPort(port), backup, listen });
/** Of a Modbus line behind a TCP serial server or modem. */
const serialServerKeys = {
  ...networkKeys(4001),
  timeout: timeout('1s'),
  connect_timeout: connectTimeout,
  retries: retries(1),
  duplicates_within: throughServer,
};

export const ModbusTcpBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('modbus_tcp', { description: 'Modbus TCP.' }),
    ...networkKeys(502),
    max_inflight: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 1,
      description: 'Requests that may wait for their answers at once; more only where the device is known to allow it.',
    }),
    timeout: timeout('1s'),
    connect_timeout: connectTimeout,
    retries: retries(0),
  },
  'A Modbus TCP endpoint.',
);

export const ModbusRtuBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('modbus_rtu', { description: 'Modbus RTU on a serial line.' }),
    ...lineSettings,
    data_bits: Type.Literal(8, { default: 8, description: 'Data bits per character: a byte of RTU has all 8.' }),
    timeout: timeout('500ms'),
    retries: retries(1),
    duplicates_within: onCable,
  },
  'A Modbus RTU line.',
);

export const ModbusRtuTcpBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('modbus_rtu_tcp', { description: 'RTU frames through a TCP serial server or modem.' }),
    ...serialServerKeys,
  },
  'A Modbus RTU line behind a TCP serial server.',
);

export const ModbusAsciiBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('modbus_ascii', { description: 'Modbus ASCII on a serial line.' }),
    ...lineSettings,
    data_bits: Type.Union([Type.Literal(7), Type.Literal(8)], { default: 7, description: 'Data bits per character.' }),
    parity: parity('even'),
    timeout: timeout('1s'),
    retries: retries(1),
    duplicates_within: onCable,
  },
  'A Modbus ASCII line.',
);

export const ModbusAsciiTcpBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('modbus_ascii_tcp', { description: 'ASCII frames through a TCP serial server or modem.' }),
    ...serialServerKeys,
  },
  'A Modbus ASCII line behind a TCP serial server.',
);

export const SerialBusSchema = object(
  { name: BusName, type: Type.Literal('serial', { description: 'A serial line with one instrument.' }), ...lineSettings },
  'A serial line with one instrument on it.',
);

export const SerialTcpBusSchema = object(
  {
    name: BusName,
    type: Type.Literal('serial_tcp', { description: 'The line of one instrument through a TCP serial server.' }),
    host,
    port: tcpPort(4001),
    connect_timeout: connectTimeout,
  },
  'A serial line with one instrument behind a TCP serial server.',
);

export const BusSchema = Type.Union(
  [
    ModbusTcpBusSchema,
    ModbusRtuBusSchema,
    ModbusRtuTcpBusSchema,
    ModbusAsciiBusSchema,
    ModbusAsciiTcpBusSchema,
    SerialBusSchema,
    SerialTcpBusSchema,
  ],
  {
    description: 'A TCP endpoint or a serial line.',
  },
);

export const AREAS = ['holding', 'input', 'coil', 'discrete'] as const;
export const REGISTER_TYPES = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float16',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'string',
  'raw',
  'bool',
  'bit',
  'bitfield',
] as const;
export type TagType = (typeof REGISTER_TYPES)[number];
export const ORDERS = [
  'AB',
  'BA',
  'ABCD',
  'BADC',
  'CDAB',
  'DCBA',
  'ABCDEFGH',
  'BADCFEHG',
  'CDABGHEF',
  'DCBAHGFE',
  'EFGHABCD',
  'FEHGBADC',
  'GHEFCDAB',
  'HGFEDCBA',
] as const;
export type Order = (typeof ORDERS)[number];

export const TagSchema = object(
  {
    name: Name('Name of the tag within its device.'),
    area: Type.Optional(literals(AREAS, { description: 'Table of the device; not needed where the address says it (Modicon notation).' })),
    address: Type.Union([Type.Integer({ minimum: 0, maximum: 65535 }), Type.String({ minLength: 1 })], {
      description: '0-based number with `area`, or Modicon notation as text: "40001", "400001".',
    }),
    type: Type.Optional(
      literals(REGISTER_TYPES, { description: 'Type of the value. Default: bool for coils and discrete inputs, uint16 for registers.' }),
    ),
    order: Type.Optional(literals(ORDERS, { description: "Order of the bytes as they arrive; default: the device's, else ABCD." })),
    byte: Type.Optional(
      literals(['high', 'low'] as const, {
        description:
          'Which half of the register an 8-bit value is in (default: low). Of a string: it has one byte per register, in this half.',
      }),
    ),
    bit: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'Bit of the register, 0 is the lowest.' })),
    bits: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'Width of a bit field that starts at `bit`.' })),
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 250, description: 'Bytes of a string or of raw data.' })),
    padding: Type.Optional(
      literals(['zero', 'space'] as const, {
        description: 'What fills a string that is written and shorter than its place. Default: zero.',
      }),
    ),
    invalid: Type.Optional(
      Type.Array(Type.Union([Type.Integer(), Type.String({ pattern: '^(NaN|-?[0-9]+|0x[0-9a-fA-F]+)$' })]), {
        description:
          'Raw bit patterns, before scaling, with which the device says that it has no value: 0x8000, -1, NaN; beyond 2^53 in quotes: "0xFFFFFFFFFFFFFFFF".',
      }),
    ),
    scale_register: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65535,
        description:
          'Register of the same table that holds the power of ten (-10 to 10) by which the value is multiplied, read together with it: the scale factors of SunSpec.',
      }),
    ),
    scan: Type.Optional(Type.String({ description: "Scan class, one of the device's `scan`. Default: its first." })),
    access: literals(['read', 'read_write'] as const, { default: 'read', description: 'Whether the tag may be written.' }),
    write: object(
      {
        min: Type.Optional(Type.Number({ description: 'Smallest value that may be written.' })),
        max: Type.Optional(Type.Number({ description: 'Largest value that may be written.' })),
        read_back: Type.Boolean({ default: false, description: 'Read after writing and compare.' }),
        tolerance: Type.Number({ minimum: 0, default: 0, description: 'How far what is read back may be off.' }),
        single: Type.Boolean({ default: true, description: 'Write one register or coil with FC 6 or 5; false: with FC 16 or 15.' }),
      },
      'Limits of what may be written, and how.',
      { default: {} },
    ),
    ...valueKeys,
  },
  'A typed value of a Modbus device.',
);

const scanClasses = Type.Record(Type.String({ minLength: 1 }), Duration({ description: 'Period of the scan class.' }), {
  default: { default: '1s' },
  description: 'Scan classes by name, with their periods.',
});

export const ModbusDeviceSchema = object(
  {
    name: Name('Name of the device.'),
    bus: Type.String({ description: 'Bus the device is on.' }),
    profile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Device profile that brings its tags; `tags` adds to them, or changes those of the same name key by key.',
      }),
    ),
    only: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Tags of the profile that are taken. Default: all.' })),
    except: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Tags of the profile that are left out.' })),
    unit: Type.Integer({ minimum: 0, maximum: 255, default: 1, description: 'Unit id (1-247 on a line; 0 and 255 are used on TCP too).' }),
    order: Type.Optional(literals(ORDERS, { description: 'Byte order of its tags that name none.' })),
    scan: scanClasses,
    max_registers: Type.Integer({ minimum: 1, maximum: 125, default: 125, description: 'Most registers the device gives in one answer.' }),
    max_bits: Type.Integer({
      minimum: 1,
      maximum: 2000,
      default: 2000,
      description: 'Most coils or inputs the device gives in one answer.',
    }),
    no_gaps: Type.Boolean({ default: false, description: 'Never read addresses between tags: the device refuses them.' }),
    forbidden: Type.Array(
      object(
        {
          area: literals(AREAS, { description: 'Table of the range.' }),
          from: Type.Integer({ minimum: 0, maximum: 65535, description: 'First address, 0-based.' }),
          to: Type.Integer({ minimum: 0, maximum: 65535, description: 'Last address, 0-based.' }),
        },
        'A range that is never read, nor read over.',
      ),
      { default: [], description: 'Ranges that are never read, also where that costs more requests: reading them does harm.' },
    ),
    mask_write: Type.Boolean({
      default: true,
      description:
        'Write bits of registers with FC 22 where the device has it (one that says nothing to it is tried again after 10 min, 1 h, ... 24 h); false: always by reading the register and writing it back.',
    }),
    tags_file: Type.Optional(
      FilePath({
        must: 'optional',
        description: 'CSV file with tags, one a row; its columns are the keys of a tag. They come behind those of `tags`.',
      }),
    ),
    tags: Type.Array(TagSchema, { description: 'Its values; may be left out where there is a profile or a tags_file.' }),
  },
  'A Modbus device.',
);

export const DeviceSchema = Type.Union([ModbusDeviceSchema, InstrumentSchema], { description: 'A Modbus device or a serial instrument.' });

export const TopicsSchema = object(
  {
    value: Type.String({
      default: 'field/{device}/{tag}',
      description: 'Where values are published (payload `device`: {tag} is the scan class).',
    }),
    set: Type.String({ default: 'field/{device}/{tag}/set', description: 'Where a value to write is taken from.' }),
    state: Type.String({ default: 'field/{device}/$state', description: 'Where the state of a device is published.' }),
  },
  'Topics; {device} and {tag} stand for the names.',
  { default: {} },
);

export const FieldSchema = object(
  {
    topics: TopicsSchema,
    payload: literals(['json', 'value', 'device'] as const, {
      default: 'json',
      description: 'json: {"v","ts","q"}; value: the bare value; device: one message per device and scan class.',
    }),
    buses: Type.Array(BusSchema, { default: [], description: 'Buses.' }),
    devices: Type.Array(DeviceSchema, { default: [], description: 'Devices.' }),
    modbus_servers: Type.Array(modbusServerSchema({ areas: AREAS, types: REGISTER_TYPES, orders: ORDERS }), {
      default: [],
      description: 'Modbus servers for other masters: tags as registers, and devices behind the gateway.',
    }),
    home_assistant: HomeAssistantSchema,
  },
  'Modbus, serial lines, tags.',
  { default: {} },
);

export type FieldConfig = Static<typeof FieldSchema>;
export type BusConfig = FieldConfig['buses'][number];
export type ModbusBusConfig = Exclude<BusConfig, { type: 'serial' | 'serial_tcp' }>;
export type SerialBusConfig = Static<typeof SerialBusSchema>;
export type LineConfig = Pick<SerialBusConfig, 'port' | 'baud' | 'data_bits' | 'parity' | 'stop_bits' | 'flow_control'>;
export type ModbusDeviceConfig = Static<typeof ModbusDeviceSchema>;
export type DeviceConfig = ModbusDeviceConfig | InstrumentConfig;
export type TagConfig = Static<typeof TagSchema>;
export type TopicsConfig = Static<typeof TopicsSchema>;
export type PayloadFormat = FieldConfig['payload'];
/** What tags of every kind share. */
export type ValueConfig = Pick<
  TagConfig,
  | 'name'
  | 'unit'
  | 'description'
  | 'scale'
  | 'offset'
  | 'precision'
  | 'clamp'
  | 'deadband'
  | 'publish'
  | 'min_interval'
  | 'max_interval'
  | 'enum'
  | 'device_class'
  | 'state_class'
>;

export function isInstrument(device: DeviceConfig): device is InstrumentConfig {
  return 'decode' in device;
}

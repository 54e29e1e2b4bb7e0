import { Duration } from '../../config/units.js';
import { type Static, type TProperties, type TSchema, Type } from '../../schema-types.js';
import { AREAS, ModbusDeviceSchema, ORDERS, REGISTER_TYPES, TagSchema } from '../schema.js';

/** A device profile: what a model of device holds at which registers, as a YAML file that needs no code. */

const object = <P extends TProperties>(properties: P, description: string, extra: Record<string, unknown> = {}) =>
  Type.Object(properties, { additionalProperties: false, description, ...extra });
const literals = <T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });
const text = (description: string, maxLength = 200) => Type.String({ minLength: 1, maxLength, description });

export const PROFILE_NAME = '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$';
export const PROFILE_KINDS = ['energy_meter', 'drive', 'io', 'temperature_controller', 'inverter', 'sensor', 'other'] as const;
export type ProfileKind = (typeof PROFILE_KINDS)[number];

/** Keys of a device for which a profile may know better than the defaults. */
export const DEFAULT_KEYS = ['unit', 'order', 'max_registers', 'max_bits', 'no_gaps', 'forbidden', 'mask_write'] as const;

/** The key of a device, without its default and free to be left out. */
function optional<S extends TSchema>(schema: S): S {
  const { default: _default, ...bare } = schema as S & { default?: unknown };
  return Type.Optional(bare as TSchema) as unknown as S;
}
const device = ModbusDeviceSchema.properties;

const DefaultsSchema = object(
  {
    unit: Type.Optional(optional(device.unit)),
    order: Type.Optional(optional(device.order)),
    max_registers: Type.Optional(optional(device.max_registers)),
    max_bits: Type.Optional(optional(device.max_bits)),
    no_gaps: Type.Optional(optional(device.no_gaps)),
    forbidden: Type.Optional(optional(device.forbidden)),
    mask_write: Type.Optional(optional(device.mask_write)),
  },
  'What a device of this model has where its configuration says nothing else.',
);

const SourceSchema = object(
  {
    title: text('Title of the document, with its number and version.'),
    url: Type.Optional(Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 500, description: 'Where it can be read.' })),
    section: Type.Optional(text('Chapter, table or page.')),
    note: Type.Optional(text('What was taken from it, or how sure it is.', 500)),
  },
  'A document that the facts come from; with `url` or `section`.',
);

const ConnectionSchema = object(
  {
    serial: Type.Optional(
      object(
        {
          baud: Type.Integer({ minimum: 50, maximum: 4_000_000, description: 'Bits per second as delivered.' }),
          parity: literals(['none', 'even', 'odd'] as const, 'Parity as delivered.'),
          stop_bits: Type.Integer({ minimum: 1, maximum: 2, description: 'Stop bits as delivered.' }),
        },
        'Settings of its serial line as it is delivered.',
      ),
    ),
    tcp: Type.Optional(object({ port: Type.Integer({ minimum: 1, maximum: 65535, description: 'TCP port.' }) }, 'It speaks Modbus TCP.')),
  },
  'How the device is connected, for those who set up its bus; nothing is taken from it by itself.',
);

const FingerprintSchema = object(
  {
    area: literals(AREAS, 'Table.'),
    address: Type.Integer({ minimum: 0, maximum: 65535, description: '0-based.' }),
    type: literals(REGISTER_TYPES, 'Type of the value.'),
    order: Type.Optional(literals(ORDERS, 'Order of its bytes.')),
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 250, description: 'Bytes of a string.' })),
    equals: Type.Array(Type.Union([Type.Number(), Type.String()]), {
      minItems: 1,
      description: 'Raw values, one of which it holds; a text matches where the string begins with it.',
    }),
  },
  'A register that tells the model.',
);

const IdentifySchema = object(
  {
    device_id: Type.Optional(
      object(
        {
          vendor: Type.Optional(text('Part of the vendor name (object 0).')),
          product: Type.Optional(text('Part of the product code or name (objects 1, 4 and 5).')),
        },
        'What its device identification (function 43/14) says; upper and lower case count the same.',
      ),
    ),
    registers: Type.Optional(Type.Array(FingerprintSchema, { minItems: 1, description: 'Registers that all must fit.' })),
  },
  'How the model is recognised: all that is given must fit. Reading it must be harmless.',
);

export const SimulationSchema = object(
  {
    value: Type.Optional(Type.Union([Type.Number(), Type.String(), Type.Boolean()], { description: 'A constant value.' })),
    around: Type.Optional(Type.Number({ description: 'A value that wanders around this.' })),
    swing: Type.Optional(Type.Number({ minimum: 0, description: 'How far it wanders. Default: 2 % of `around`.' })),
    start: Type.Optional(Type.Number({ description: 'A counter: where it begins.' })),
    per_hour: Type.Optional(Type.Number({ description: 'A counter: what comes to it in an hour.' })),
  },
  'How the simulator fills the tag, in its unit.',
);

export const ProfileSchema = object(
  {
    name: Type.String({
      pattern: PROFILE_NAME,
      'x-allowed': 'up to 64 small letters, digits and -',
      description: 'Name that devices refer to; the file is named after it.',
    }),
    vendor: text('Who makes it.'),
    model: text('Model, or the models that share the map.'),
    kind: literals(PROFILE_KINDS, 'What it is.'),
    description: Type.Optional(text('What should be known before it is used.', 1000)),
    source: Type.Array(SourceSchema, { minItems: 1, description: 'Where the facts come from.' }),
    connection: Type.Optional(ConnectionSchema),
    defaults: Type.Optional(DefaultsSchema),
    scan: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Duration({ description: 'Period.' }), {
        description: 'Scan classes of its tags; a device may set other periods. Tags without `scan` are in the first.',
      }),
    ),
    identify: Type.Optional(IdentifySchema),
    tags: Type.Array(TagSchema, { minItems: 1, description: 'Its values, as the tags of a Modbus device.' }),
    simulate: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), SimulationSchema, {
        description: 'Hints for the simulator by tag. Default: what the unit suggests.',
      }),
    ),
  },
  'A device profile.',
);

export type Profile = Static<typeof ProfileSchema>;
export type ProfileSource = Profile['source'][number];
export type Fingerprint = Static<typeof FingerprintSchema>;
export type Simulation = Static<typeof SimulationSchema>;

/** The shapes of adding devices and tag lists, like api-schemas.ts. They mirror device-setup.ts and ports.ts. */
import { type TSchema, Type } from '../schema-types.js';
import { nullable, TagValue, words } from './api-schemas.js';
import { AreaWord } from './field-tools-schemas.js';

const text = Type.String();
const count = Type.Number();
const name = (description: string) => Type.String({ minLength: 1, maxLength: 256, description });

export const Fault = Type.Object(
  {
    code: Type.String({ description: 'Stable code, FER_...' }),
    message: text,
    hint: Type.Optional(text),
    where: Type.Optional(
      Type.Object({
        file: Type.Optional(text),
        line: Type.Optional(count),
        column: Type.Optional(count),
        subject: Type.Optional(Type.String({ description: 'Of a tag list: `row 3, column type`.' })),
      }),
    ),
  },
  { description: 'Something that is wrong.' },
);

export const some = <T extends TSchema>(item: T, description: string) =>
  Type.Object({ count, items: Type.Array(item, { description: 'The first 200.' }) }, { description });

export const checked = {
  errorCount: Type.Number({ description: 'How many there are; more than 0: it would be refused.' }),
  errors: Type.Array(Fault, { description: 'The first 200.' }),
  warnings: Type.Array(Fault, { description: 'What may be a slip, and was not in the configuration before.' }),
};

/** Of another program's list. */
export const ListOrigin = Type.Object(
  {
    format: words(['neuron', 'telegraf'], 'neuron: its table saved as CSV, or its JSON; telegraf: a configuration with [[inputs.modbus]].'),
    unit: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'Only tags of this unit; wanted where it has several.' })),
    node: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Only tags of this node (Neuron) or plugin (Telegraf); wanted where it has several.' }),
    ),
    groups: Type.Optional(
      words(['ignore', 'prefix', 'scan'], 'Groups and measurements: left out (default), put before the names, or made scan classes.'),
    ),
    start: Type.Optional(
      Type.Unsafe<0 | 1>({ type: 'number', enum: [0, 1], description: 'The "start address" of the Neuron node: 1 (default) or 0.' }),
    ),
  },
  { additionalProperties: false, description: "What another program's list is; missing: it is a tag list." },
);
export const givenList = {
  csv: Type.String({ description: "The list; with `from`, the text of the other program's." }),
  from: Type.Optional(ListOrigin),
};

const imported = Type.Union(
  [
    Type.Object({
      tags: Type.Number({ description: 'How many were chosen.' }),
      units: Type.Array(count, { description: 'Units of its tags, of the chosen node.' }),
      nodes: Type.Array(text, { description: 'Its nodes or plugins, where it names them.' }),
      notes: Type.Array(text, { description: 'What is not in it and should be known.' }),
    }),
    Type.Null({ description: 'It was a tag list.' }),
  ],
  { description: "What is in another program's list." },
);

export const TagListPreview = Type.Object(
  {
    file: Type.String({ description: 'Name of the list.' }),
    isNew: Type.Boolean({
      description: 'The device has none yet: it is made, and what the device has under `tags` leaves the configuration.',
    }),
    changes: Type.Union([
      Type.Object({
        tags: Type.Number({ description: 'Tags of the device then, with those that are not from the list.' }),
        added: some(text, 'Tags that it does not have yet.'),
        removed: some(text, 'Tags that it has no more.'),
        changed: some(
          Type.Object({
            name: text,
            keys: Type.Array(
              Type.Object({
                key: Type.String({ description: 'Column of the list.' }),
                from: nullable(Type.String(), 'null: not set, or the default.'),
                to: nullable(Type.String(), 'null: not set, or the default.'),
              }),
            ),
          }),
          'Tags that are there before and after, but not the same.',
        ),
      }),
      Type.Null({ description: 'There are errors.' }),
    ]),
    ...checked,
    imported,
  },
  { $id: 'TagListPreview' },
);

const profile = {
  name: Type.String({ description: 'What `profile` of a device is.' }),
  vendor: text,
  model: text,
  kind: Type.String({ description: 'energy_meter, drive, io, temperature_controller, inverter, sensor, other.' }),
  description: nullable(Type.String(), 'What should be known before it is used.'),
  units: Type.Array(text, { description: 'Units of its tags, each once.' }),
  tags: Type.Number({ description: 'How many it has.' }),
  writable: Type.Number({ description: 'How many of them can be written.' }),
  shipped: Type.Boolean({ description: 'It came with the program.' }),
  serial: Type.Union([Type.Object({ baud: count, parity: text, stop_bits: count }), Type.Null()], {
    description: 'Settings of its line as it is delivered; null: not said.',
  }),
  tcpPort: nullable(Type.Number(), 'It speaks Modbus TCP; null: not said.'),
  unit: nullable(Type.Number(), 'Unit id as it is delivered; null: not said.'),
};
export const ProfileSummary = Type.Object(profile, { $id: 'ProfileSummary' });

export const Profile = Type.Object(
  {
    ...profile,
    sources: Type.Array(Type.Object({ title: text, url: Type.Optional(text), section: Type.Optional(text), note: Type.Optional(text) }), {
      description: 'Where its facts come from.',
    }),
    tagList: Type.Array(
      Type.Object({
        name: text,
        area: Type.Union([AreaWord, Type.Null({ description: 'The address says it.' })]),
        address: Type.Union([Type.Number(), Type.String()]),
        type: nullable(Type.String(), 'null: the default of its table.'),
        unit: nullable(Type.String()),
        description: nullable(Type.String()),
        writable: Type.Boolean(),
      }),
    ),
  },
  { $id: 'Profile' },
);

export const BrokenProfile = Type.Object({ name: text, error: Fault }, { $id: 'BrokenProfile' });

/** Where no bus of the gateway is yet. */
const Host = Type.Object(
  {
    kind: Type.Literal('host'),
    host: Type.String({ minLength: 1, maxLength: 253, description: 'Name or address.' }),
    port: Type.Integer({ minimum: 1, maximum: 65535 }),
    framing: words(['tcp', 'rtu', 'ascii'], 'rtu, ascii: such frames through a serial server.'),
  },
  { additionalProperties: false, description: 'A Modbus TCP server or a serial server. Administrators only.' },
);
const Line = Type.Object(
  {
    kind: Type.Literal('line'),
    port: Type.String({ minLength: 1, maxLength: 4096, description: 'Serial port.' }),
    framing: words(['rtu', 'ascii'], 'Frames on the line.'),
    baud: Type.Integer({ minimum: 50, maximum: 4_000_000 }),
    data_bits: Type.Unsafe<7 | 8>({ type: 'number', enum: [7, 8] }),
    parity: words(['none', 'even', 'odd']),
    stop_bits: Type.Unsafe<1 | 1.5 | 2>({ type: 'number', enum: [1, 1.5, 2] }),
  },
  { additionalProperties: false, description: 'A serial port that no bus uses. Administrators only.' },
);
export const UnitId = Type.Integer({ minimum: 0, maximum: 255, description: 'Unit id.' });

export const UnitBody = Type.Object(
  {
    where: Type.Union([
      Type.Object({ kind: Type.Literal('bus'), bus: name('A bus of the gateway.') }, { additionalProperties: false }),
      Host,
      Line,
    ]),
    unit: UnitId,
  },
  { additionalProperties: false },
);

export const Identified = Type.Object(
  {
    identification: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null({ description: 'It does not say.' })], {
      description: 'Device identification (function 43/14): vendor, product code, revision, ...',
    }),
    profiles: Type.Array(text, { description: 'Names of those profiles that fit; few say how their model is recognised.' }),
  },
  { $id: 'Identified' },
);

export const SunSpec = Type.Object(
  {
    unit: count,
    base: Type.Number({ description: 'Register at which the map begins.' }),
    manufacturer: nullable(Type.String()),
    model: nullable(Type.String()),
    version: nullable(Type.String()),
    serialNumber: nullable(Type.String()),
    models: Type.Array(
      Type.Object({ id: count, name: nullable(Type.String(), 'null: it gives no tags here.'), address: count, length: count }),
    ),
    tags: Type.Array(
      Type.Object({
        tag: Type.Object(
          {
            name: text,
            address: Type.Union([Type.Number(), Type.String()]),
            unit: Type.Optional(text),
            description: Type.Optional(text),
          },
          { additionalProperties: true, description: 'As the configuration has it.' },
        ),
        value: TagValue,
        isImplemented: Type.Boolean({ description: 'false: the device says that it has no such value now.' }),
      }),
    ),
    scan: Type.Record(Type.String(), Type.String(), { description: 'Periods of the scan classes of the tags.' }),
    problems: Type.Array(text, { description: 'What is wrong with the map, or was left out.' }),
  },
  { $id: 'SunSpec' },
);

export const NewDeviceBody = Type.Object(
  {
    name: name('Name of the device.'),
    bus: name('The bus that it is on.'),
    newBus: Type.Optional(Type.Union([Host, Line], { description: 'The bus does not exist yet: it is made.' })),
    unit: UnitId,
    tags: Type.Union(
      [
        Type.Object(
          {
            kind: Type.Literal('profile'),
            profile: name('Name of a profile.'),
            only: Type.Optional(Type.Array(Type.String(), { maxItems: 10_000, description: 'Default: all of its tags.' })),
          },
          { additionalProperties: false },
        ),
        Type.Object(
          {
            kind: Type.Literal('tags'),
            tags: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 10_000 }),
            scan: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), Type.String({ maxLength: 32 }))),
          },
          { additionalProperties: false, description: 'As the configuration has them; they are written into it.' },
        ),
        Type.Object(
          { kind: Type.Literal('list'), ...givenList },
          { additionalProperties: false, description: 'A tag list (CSV), written beside the configuration as `tags_file`.' },
        ),
      ],
      { description: 'Where its tags come from.' },
    ),
  },
  { additionalProperties: false },
);

export const NewInstrumentBody = Type.Object(
  {
    name: name('Name of the instrument.'),
    bus: name('The bus that it is on; a serial bus has one instrument.'),
    newBus: Type.Optional(
      Type.Union(
        [
          Type.Object(
            {
              kind: Type.Literal('line'),
              port: Type.String({ minLength: 1, maxLength: 4096, description: 'Serial port.' }),
              baud: Type.Integer({ minimum: 50, maximum: 4_000_000 }),
              data_bits: Type.Unsafe<5 | 6 | 7 | 8>({ type: 'number', enum: [5, 6, 7, 8] }),
              parity: words(['none', 'even', 'odd']),
              stop_bits: Type.Unsafe<1 | 1.5 | 2>({ type: 'number', enum: [1, 1.5, 2] }),
            },
            { additionalProperties: false, description: 'A serial port that no bus uses.' },
          ),
          Type.Object(
            {
              kind: Type.Literal('host'),
              host: Type.String({ minLength: 1, maxLength: 253, description: 'Name or address.' }),
              port: Type.Integer({ minimum: 1, maximum: 65535 }),
            },
            { additionalProperties: false, description: 'A serial server.' },
          ),
        ],
        { description: 'The bus does not exist yet: it is made.' },
      ),
    ),
    settings: Type.String({
      minLength: 1,
      maxLength: 65_536,
      description: 'YAML: what the configuration has of it besides name and bus: `request`, `frame`, `checksum`, `decode`, `stale_after`.',
    }),
  },
  { additionalProperties: false },
);

export const NewDevicePreview = Type.Object(
  {
    file: Type.String({ description: 'Name of the file of the configuration.' }),
    line: Type.Number({ description: 'From this line on these lines ...' }),
    removed: Type.Array(text, { description: '... (none: nothing goes) ...' }),
    added: Type.Array(text, { description: '... become these.' }),
    list: nullable(Type.String(), 'Name of the tag list that is made; null: none.'),
    tags: nullable(Type.Number(), 'Tags of the device; null: there are errors.'),
    ...checked,
    imported,
  },
  { $id: 'NewDevicePreview' },
);

export const DEVICE_SETUP_SCHEMAS = [TagListPreview, ProfileSummary, Profile, BrokenProfile, Identified, SunSpec, NewDevicePreview];

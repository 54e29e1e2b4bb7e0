import type {
  DeviceSetupPort,
  GivenList,
  Identified,
  ImportFacts,
  ListOrigin,
  NewDevice,
  NewDevicePreview,
  NewInstrument,
  ProfileDetails,
  UnitWhere,
} from '../../src/console/device-setup.js';
import type { SunSpecFound } from '../../src/console/field-tools.js';
import type { TagListPreview, TagListsPort } from '../../src/console/ports.js';
import { FerruleError } from '../../src/errors.js';

const meter: ProfileDetails = {
  ...{ name: 'eastron-sdm630', vendor: 'Eastron', model: 'SDM630-Modbus, SDM630MCT', kind: 'energy_meter' },
  ...{ description: 'Three-phase meter. A request gives at most 30 values (60 registers).', units: ['V', 'A', 'W', 'kWh', 'Hz'] },
  ...{ tags: 26, writable: 0, shipped: true, serial: { baud: 9600, parity: 'none', stop_bits: 1 }, tcpPort: null, unit: null },
  sources: [
    { title: 'Eastron SDM630 Modbus Protocol Implementation', section: 'Input registers', url: 'http://bg-etech.de/SDM630Register.pdf' },
  ],
  tagList: [
    { name: 'voltage_l1', area: 'input', address: 0, type: 'float32', unit: 'V', description: 'Voltage of L1', writable: false },
    { name: 'energy_import', area: 'input', address: 72, type: 'float32', unit: 'kWh', description: null, writable: false },
  ],
};

export const PROFILES: ProfileDetails[] = [
  meter,
  {
    ...meter,
    ...{ name: 'waveshare-relay-d8', vendor: 'Waveshare', model: 'Modbus RTU Relay (D)', kind: 'io', units: [], tags: 16, writable: 8 },
    ...{ description: 'Eight relays and eight isolated inputs, on RS-485 or on Ethernet.', tcpPort: 502, unit: 1 },
  },
];

/** Devices are added to a list instead of a configuration. */
export class MemoryDeviceSetup implements DeviceSetupPort {
  readonly asked: { where: UnitWhere; unit: number }[] = [];
  readonly added: NewDevice[] = [];
  readonly instruments: NewInstrument[] = [];

  async profiles() {
    const broken = { name: 'my-meter', error: { code: 'FER_FIELD_PROFILE', message: 'tags is missing.', where: { line: 3, column: 1 } } };
    return { profiles: PROFILES, broken: [broken] };
  }

  async profile(name: string): Promise<ProfileDetails | null> {
    return PROFILES.find((each) => each.name === name) ?? null;
  }

  async identify(where: UnitWhere, unit: number): Promise<Identified> {
    this.asked.push({ where, unit });
    if (unit === 99) throw new FerruleError('FER_FIELD_READ', 'Unit 99 does not answer.', { hint: 'Compare its address.' });
    return { identification: { vendor: 'Eastron', 'product code': 'SDM630', revision: '1.2' }, profiles: ['eastron-sdm630'] };
  }

  async preview(device: NewDevice): Promise<NewDevicePreview> {
    const isTaken = device.name === 'meter1';
    const message = `There is a device ${device.name} already.`;
    const added = [`    - name: ${device.name}`, `      bus: ${device.bus}`, `      unit: ${device.unit}`];
    return {
      ...{ file: 'ferrule.yaml', line: 42, removed: [], added, list: null, tags: isTaken ? null : 26, errorCount: isTaken ? 1 : 0 },
      errors: isTaken ? [{ code: 'FER_CONFIG_CONFLICT', message, hint: 'Choose another name.', where: { line: 42, column: 13 } }] : [],
      warnings: [],
      imported: device.tags.kind === 'list' ? importedOf(device.tags) : null,
    };
  }

  async add(device: NewDevice): Promise<number> {
    const { errors } = await this.preview(device);
    if (errors[0] !== undefined) throw new FerruleError('FER_CONFIG_CONFLICT', errors[0].message);
    this.added.push(device);
    return 26;
  }

  async previewInstrument({ name, bus, settings }: NewInstrument): Promise<NewDevicePreview> {
    const added = [
      `    - name: ${name}`,
      `      bus: ${bus}`,
      ...settings
        .trimEnd()
        .split('\n')
        .map((line) => `      ${line}`),
    ];
    return {
      ...{ file: 'ferrule.yaml', line: 42, removed: [], added, list: null, tags: 3, errorCount: 0, errors: [], warnings: [] },
      imported: null,
    };
  }

  async addInstrument(instrument: NewInstrument): Promise<number> {
    this.instruments.push(instrument);
    return 3;
  }
}

function importedOf({ from }: GivenList): ImportFacts | null {
  if (from === null) return null;
  const notes = [
    "2 tags of 32 bits name no byte order: in Neuron they follow the node's setting. If it is not ABCD, set order on the device.",
  ];
  return { tags: 4, units: [1, 2], nodes: [], notes };
}

export function sunSpecFound(unit: number): SunSpecFound {
  const tag = (name: string, address: number, value: number | string | null, over: Record<string, unknown> = {}) => ({
    tag: { name, area: 'holding', address, scan: 'fast', ...over },
    value,
    isImplemented: value !== null,
  });
  return {
    ...{ unit, base: 40_000, manufacturer: 'Acme', model: 'Sun 10', version: '1.2.3', serialNumber: 'SN-4711' },
    models: [
      { id: 1, name: 'common', address: 40_002, length: 66 },
      { id: 103, name: 'inverter', address: 40_070, length: 50 },
      { id: 64_001, name: null, address: 40_122, length: 12 },
    ],
    tags: [
      tag('manufacturer', 40_004, 'Acme', { type: 'string', length: 32, description: 'Manufacturer' }),
      tag('power', 40_084, 23_450, { type: 'int16', scale_register: 40_085, unit: 'W', description: 'AC power' }),
      tag('apparent_power', 40_088, null, { type: 'int16', scale_register: 40_089, unit: 'VA', description: 'AC apparent power' }),
    ],
    scan: { fast: '2s', slow: '60s' },
    problems: ['mppt7_current lies 130 registers from its scale factor: more than one answer holds.'],
  };
}

/** The list of one device, and what a preview of any other list says of it. */
export class MemoryTagLists implements TagListsPort {
  readonly #device: string;
  csv = 'name,area,address,type\nvoltage,holding,0,float32\n';
  /** What the last one that was taken was made of. */
  from: ListOrigin | null = null;

  constructor(device: string) {
    this.#device = device;
  }

  async read(name: string): Promise<{ file: string | null; csv: string } | null> {
    return name === this.#device ? { file: `${name}.csv`, csv: this.csv } : null;
  }

  async preview(name: string, list: GivenList): Promise<TagListPreview | null> {
    if (name !== this.#device) return null;
    const { csv, from } = list;
    const rest = { file: `${name}.csv`, isNew: false, warnings: [], imported: importedOf(list) };
    if (from !== null && from.unit === null) {
      const message = 'The tags are of the units 1, 2.';
      const errors = [{ code: 'FER_FIELD_TAGS_FILE', message, hint: 'A list is of one device: choose the unit.' }];
      return { ...rest, changes: null, errorCount: 1, errors };
    }
    if (csv.includes('wrong')) {
      const where = { file: `/etc/ferrule/${name}.csv`, line: 2, column: 9, subject: 'row 2, column type' };
      const error = { code: 'FER_CONFIG_VALUE', message: 'type must be one of the types.', hint: 'Write uint16, int16, ...', where };
      return {
        ...rest,
        changes: null,
        errorCount: 2,
        errors: [error, { ...error, where: { ...where, subject: 'row 3, column address' } }],
      };
    }
    return {
      ...rest,
      ...{ errorCount: 0, errors: [] },
      changes: {
        tags: 4,
        added: { count: 1, items: ['pressure'] },
        removed: { count: 0, items: [] },
        changed: { count: 1, items: [{ name: 'voltage', keys: [{ key: 'scale', from: null, to: '0.1' }] }] },
      },
    };
  }

  async replace(name: string, { csv, from }: GivenList): Promise<number | null> {
    if (name !== this.#device) return null;
    if (csv.includes('wrong')) {
      const where = { file: `/etc/ferrule/${name}.csv`, line: 2, column: 1, subject: 'row 2, column type' };
      throw new FerruleError('FER_FIELD_TAGS_FILE', 'The list is wrong.', { where });
    }
    this.csv = csv;
    this.from = from;
    return csv.split('\n').length - 1;
  }
}

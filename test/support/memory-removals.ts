import type { RemovalPreview, RemovalsPort } from '../../src/console/removals.js';
import { FerruleError } from '../../src/errors.js';

/** `FER_CONFIG_CONFLICT` for the device that a Modbus server has registers for. */
export class MemoryRemovals implements RemovalsPort {
  /** What was removed: `meter1`, `meter1+hall`, `bus hall`. */
  readonly removed: string[] = [];
  readonly #served: string;
  readonly #devices: () => readonly { name: string; bus: string }[];

  constructor(devices: () => readonly { name: string; bus: string }[], served: string) {
    this.#devices = devices;
    this.#served = served;
  }

  async previewDevice(name: string, withBus: boolean): Promise<RemovalPreview | null> {
    const device = this.#devices().find((each) => each.name === name);
    if (device === undefined) return null;
    const others = this.#devices().filter((each) => each.bus === device.bus && each !== device);
    const isServed = name === this.#served;
    const lines = [`    - name: ${name}`, `      bus: ${device.bus}`, '      unit: 3', '      profile: eastron-sdm630'];
    const bus = { line: 12, removed: [`    - {name: ${device.bus}, type: modbus_tcp, host: 192.168.1.50}`], added: [] };
    const served = { kind: 'modbus_server' as const, name: 'scada', by: `${name}/power (unit 1, 40001)` };
    const where = { file: '/etc/ferrule/ferrule.yaml', line: 96, column: 17, subject: 'field.modbus_servers[0].tags[0].device' };
    const error = { code: 'FER_CONFIG_CONFLICT', message: `${name}/power: there is no device ${name}.`, hint: 'Devices: press2.', where };
    return {
      file: 'ferrule.yaml',
      changes: [...(withBus ? [bus] : []), { line: 42, removed: lines, added: [] }],
      tags: 26,
      list: 'press2.csv',
      bus: { name: device.bus, isRemoved: withBus, devices: others.map((each) => each.name), proxies: [] },
      references: {
        count: isServed ? 4 : 3,
        items: [
          ...(isServed ? [served] : []),
          { kind: 'rule', name: 'oil-too-hot', by: `field/${name}/oil_temperature` },
          { kind: 'bridge', name: 'head-office', by: `field/${name}/#` },
          { kind: 'access', name: 'panel-*', by: `field/${name}/+/set` },
        ],
      },
      errorCount: isServed ? 1 : 0,
      errors: isServed ? [error] : [],
      warnings: [],
    };
  }

  async removeDevice(name: string, withBus: boolean): Promise<boolean> {
    const preview = await this.previewDevice(name, withBus);
    if (preview === null) return false;
    const [error] = preview.errors;
    if (error !== undefined) throw new FerruleError('FER_CONFIG_CONFLICT', error.message);
    this.removed.push(withBus ? `${name}+${preview.bus.name}` : name);
    return true;
  }

  async previewBus(name: string): Promise<RemovalPreview | null> {
    const devices = this.#devices().filter((each) => each.bus === name);
    const [first] = devices;
    if (name !== 'hall' && first === undefined) return null;
    const error = { code: 'FER_CONFIG_CONFLICT', message: `There is no bus ${name}.`, where: { line: 44, column: 12 } };
    return {
      file: 'ferrule.yaml',
      changes: [{ line: 12, removed: [`    - {name: ${name}, type: modbus_tcp, host: 192.168.1.50}`], added: [] }],
      ...{ tags: null, list: null, references: { count: 0, items: [] }, warnings: [] },
      bus: { name, isRemoved: true, devices: devices.map((each) => each.name), proxies: [] },
      errorCount: devices.length,
      errors: devices.map(() => error),
    };
  }

  async removeBus(name: string): Promise<boolean> {
    const preview = await this.previewBus(name);
    if (preview === null) return false;
    const [error] = preview.errors;
    if (error !== undefined) throw new FerruleError('FER_CONFIG_CONFLICT', error.message);
    this.removed.push(`bus ${name}`);
    return true;
  }
}

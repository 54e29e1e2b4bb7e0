import { basename } from 'node:path';
import { type ConfigEdit, editText } from '../config/edit.js';
import type { Config } from '../config/schema.js';
import type { RemovalPreview, RemovalsPort } from '../console/removals.js';
import { FerruleError } from '../errors.js';
import type { DeviceConfig } from '../field/schema.js';
import { instrumentFields } from '../field/serial/schema.js';
import type { RuleUse } from '../rules/rules.js';
import type { ConfigEdits, Draft } from './config-edits.js';
import { type LinesChanged, linesChanged } from './lines-changed.js';
import { referencesTo } from './references.js';
import { faultsOf, some } from './tag-changes.js';
import { writtenList } from './written-field.js';

/** What goes; null: none. */
interface Goes {
  device: string | null;
  bus: string | null;
}

/**
 * Takes devices and buses out of the configuration. What is left is checked as a whole, so that nothing goes that the rest
 * can't do without; what a device has retained is cleared when the field takes the configuration over.
 */
export class Removals implements RemovalsPort {
  readonly #edits: ConfigEdits;
  readonly #rules: () => readonly RuleUse[];

  constructor(edits: ConfigEdits, rules: () => readonly RuleUse[]) {
    this.#edits = edits;
    this.#rules = rules;
  }

  async previewDevice(name: string, withBus: boolean): Promise<RemovalPreview | null> {
    const device = deviceOf(this.#edits.config, name);
    if (device === null) return null;
    const { config } = this.#edits;
    const list = 'tags_file' in device && device.tags_file !== undefined ? basename(device.tags_file) : null;
    const references = some(referencesTo(device, config, this.#rules()));
    const facts = { tags: tagsOf(device), list, bus: this.#bus(device.bus, withBus, name), references };
    return this.#preview({ device: name, bus: withBus ? device.bus : null }, facts);
  }

  /** false: there is no such device. Rejects with a FerruleError, and nothing has changed. */
  async removeDevice(name: string, withBus: boolean): Promise<boolean> {
    return this.#remove(() => {
      const device = deviceOf(this.#edits.config, name);
      return device === null ? null : { device: name, bus: withBus ? device.bus : null };
    });
  }

  async previewBus(name: string): Promise<RemovalPreview | null> {
    if (!this.#edits.config.field.buses.some((bus) => bus.name === name)) return null;
    return this.#preview({ device: null, bus: name }, { tags: null, list: null, bus: this.#bus(name, true, null), references: some([]) });
  }

  async removeBus(name: string): Promise<boolean> {
    return this.#remove(() => (this.#edits.config.field.buses.some((bus) => bus.name === name) ? { device: null, bus: name } : null));
  }

  async #remove(find: () => Goes | null): Promise<boolean> {
    const loaded = await this.#edits.change(async () => {
      const goes = find();
      return goes === null ? null : (await this.#draft(goes)).draft;
    });
    return loaded !== null;
  }

  async #preview(goes: Goes, facts: Pick<RemovalPreview, 'tags' | 'list' | 'bus' | 'references'>): Promise<RemovalPreview> {
    const { draft, changes } = await this.#draft(goes);
    const { errors, warnings } = await this.#edits.check(draft);
    return {
      file: basename(this.#edits.source.file),
      changes,
      ...facts,
      errorCount: errors.length,
      errors: faultsOf(errors),
      warnings: faultsOf(warnings),
    };
  }

  /** From what is on the disk: the configuration may have been edited since it was taken over. */
  async #draft({ device, bus }: Goes): Promise<{ draft: Draft; changes: LinesChanged[] }> {
    const { file } = this.#edits.source;
    const text = await this.#edits.text();
    const edits = (
      [
        ['buses', bus],
        ['devices', device],
      ] as const
    ).flatMap(([key, name]): ConfigEdit[] => {
      if (name === null) return [];
      const index = writtenList(file, text, key).findIndex((each) => each.name === name);
      if (index === -1) {
        throw new FerruleError('FER_CONFIG_WRITE', `The configuration of ${name} is being changed at the same time.`, {
          where: { subject: name },
          hint: 'Try again.',
        });
      }
      return [{ op: 'delete', path: ['field', key, index] }];
    });
    const changes = edits.map((edit) => linesChanged(text, editText(text, [edit])));
    return {
      draft: { text: editText(text, edits), lists: new Map(), newLists: [] },
      changes: changes.sort((a, b) => a.line - b.line),
    };
  }

  #bus(name: string, isRemoved: boolean, besides: string | null): RemovalPreview['bus'] {
    const { devices, modbus_servers: servers } = this.#edits.config.field;
    return {
      name,
      isRemoved,
      devices: devices.filter((each) => each.bus === name && each.name !== besides).map((each) => each.name),
      proxies: servers.filter(({ proxy }) => proxy.some((entry) => entry.bus === name)).map((server) => server.name),
    };
  }
}

function deviceOf({ field }: Config, name: string): DeviceConfig | null {
  return field.devices.find((each) => each.name === name) ?? null;
}

function tagsOf(device: DeviceConfig): number | null {
  if ('tags' in device) return device.tags.length;
  return device.decode.type === 'raw' ? null : instrumentFields(device).length;
}

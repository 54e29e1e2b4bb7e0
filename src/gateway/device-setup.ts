import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ConfigEdit, editText } from '../config/edit.js';
import { ConfigErrors } from '../config/errors.js';
import { PROFILES_FOLDER } from '../config/load.js';
import type { ProfilePlace } from '../config/profiles.js';
import type { Config } from '../config/schema.js';
import type { GivenList, ImportFacts, NewInstrument } from '../console/device-setup.js';
import { FerruleError } from '../errors.js';
import type { Profile } from '../field/profiles/schema.js';
import type { Target } from '../field/tools/own-bus.js';
import type { FieldTools, Identified, UnitWhere } from '../field/tools/tools.js';
import type { ConfigEdits, Draft } from './config-edits.js';
import { type OwnList, ownList } from './imported-list.js';
import { fieldsOf, instrumentDraft } from './instrument-draft.js';
import { linesChanged } from './lines-changed.js';
import { type Fault, faultsOf } from './tag-changes.js';
import { freeListName, writtenList } from './written-field.js';

/** A device as a person adds it. */
export interface NewDevice {
  name: string;
  bus: string;
  newBus: Target | null;
  unit: number;
  tags:
    | { kind: 'profile'; profile: string; only: string[] | null }
    | { kind: 'tags'; tags: Record<string, unknown>[]; scan: Record<string, string> | null }
    | ({ kind: 'list' } & GivenList);
}

/** Adds devices to the configuration, and says what there is to choose from: profiles, and what a device says that it is. */
export class DeviceSetup {
  readonly #edits: ConfigEdits;
  readonly #tools: Pick<FieldTools, 'identify'>;
  /** Profiles by their files. */
  readonly #known = new Map<string, { stamp: string; profile: Profile }>();

  constructor(edits: ConfigEdits, tools: Pick<FieldTools, 'identify'>) {
    this.#edits = edits;
    this.#tools = tools;
  }

  async profiles() {
    const profiles: ReturnType<typeof summaryOf>[] = [];
    const broken: { name: string; error: Fault }[] = [];
    for (const place of await this.#places()) {
      try {
        profiles.push(summaryOf(await this.#load(place), place.shipped));
      } catch (error) {
        const [fault] = error instanceof ConfigErrors ? faultsOf(error.errors) : [];
        if (fault === undefined) throw error;
        broken.push({ name: place.name, error: fault });
      }
    }
    return { profiles, broken };
  }

  async profile(name: string) {
    const place = (await this.#places()).find((each) => each.name === name);
    if (place === undefined) return null;
    const profile = await this.#load(place).catch((error: unknown) => {
      throw error instanceof ConfigErrors ? (error.errors[0] ?? error) : error;
    });
    const { source, tags } = profile;
    return {
      ...summaryOf(profile, place.shipped),
      sources: source,
      tagList: tags.map(({ name: tag, area, address, type, unit, description, access }) => ({
        name: tag,
        area: area ?? null,
        address,
        type: type ?? null,
        unit: unit ?? null,
        description: description ?? null,
        writable: access !== 'read',
      })),
    };
  }

  async identify(where: UnitWhere, unit: number): Promise<Identified> {
    const profiles: Profile[] = [];
    for (const place of await this.#places()) {
      // One that is not valid is the matter of the list.
      const profile = await this.#load(place).catch(() => null);
      if (profile !== null) profiles.push(profile);
    }
    return this.#tools.identify(where, unit, profiles);
  }

  async preview(device: NewDevice) {
    const { draft, imported } = await this.#draft(device);
    const { loaded, errors, warnings } = await this.#edits.check(draft);
    const [list] = draft.lists.keys();
    return {
      file: basename(this.#edits.source.file),
      ...linesChanged(await this.#edits.text(), draft.text),
      list: list === undefined ? null : basename(list),
      tags: loaded === null ? null : tagsOf(loaded.config, device.name),
      errorCount: errors.length,
      errors: faultsOf(errors),
      warnings: faultsOf(warnings),
      imported,
    };
  }

  /** Checked with the whole configuration, then written, then taken over. Resolves with the number of the device's tags. */
  async add(device: NewDevice): Promise<number> {
    const loaded = await this.#edits.change(async () => (await this.#draft(device)).draft);
    return loaded === null ? 0 : tagsOf(loaded.config, device.name);
  }

  async previewInstrument(instrument: NewInstrument) {
    const draft = await this.#instrumentDraft(instrument);
    const { loaded, errors, warnings } = await this.#edits.check(draft);
    return {
      file: basename(this.#edits.source.file),
      ...linesChanged(await this.#edits.text(), draft.text),
      list: null,
      tags: loaded === null ? null : fieldsOf(loaded.config, instrument.name),
      errorCount: errors.length,
      errors: faultsOf(errors),
      warnings: faultsOf(warnings),
      imported: null,
    };
  }

  async addInstrument(instrument: NewInstrument): Promise<number> {
    const loaded = await this.#edits.change(() => this.#instrumentDraft(instrument));
    return loaded === null ? 0 : fieldsOf(loaded.config, instrument.name);
  }

  async #instrumentDraft(instrument: NewInstrument): Promise<Draft> {
    const text = await this.#edits.text();
    return instrumentDraft(this.#edits.source.file, text, instrument);
  }

  async #draft({ name, bus, newBus, unit, tags }: NewDevice): Promise<{ draft: Draft; imported: ImportFacts | null }> {
    const { file } = this.#edits.source;
    const text = await this.#edits.text();
    const lists = new Map<string, string>();
    const device: Record<string, unknown> = { name, bus, unit };
    let own: OwnList | null = null;
    switch (tags.kind) {
      case 'profile':
        Object.assign(device, { profile: tags.profile }, tags.only === null ? {} : { only: tags.only });
        break;
      case 'tags':
        Object.assign(device, tags.scan === null ? {} : { scan: tags.scan }, { tags: tags.tags });
        break;
      case 'list': {
        const list = await freeListName(dirname(file), name);
        device.tags_file = basename(list);
        own = await ownList(tags);
        lists.set(list, own.csv);
        break;
      }
    }
    const edits: ConfigEdit[] = [];
    if (newBus !== null) {
      edits.push({ op: 'set', path: ['field', 'buses', writtenList(file, text, 'buses').length], value: busOf(bus, newBus) });
    }
    edits.push({ op: 'set', path: ['field', 'devices', writtenList(file, text, 'devices').length], value: device, isCompact: true });
    const [list = ''] = lists.keys();
    const draft = { text: editText(text, edits), lists, newLists: [...lists.keys()] };
    if (own === null) return { draft, imported: null };
    const { errors: faults, placed, imported } = own;
    return { draft: { ...draft, faults, placed: (errors) => placed(errors, list) }, imported };
  }

  async #places(): Promise<ProfilePlace[]> {
    const { ProfileLibrary } = await import('../config/profiles.js');
    const source = this.#edits.sourceOrNull;
    const own = source === null ? [] : [join(dirname(source.file), PROFILES_FOLDER)];
    return new ProfileLibrary([...own, ...(source?.load.profiles === undefined ? [] : [source.load.profiles])]).list();
  }

  /** Read again only where the file is another: reading one takes a while. */
  async #load({ file }: ProfilePlace): Promise<Profile> {
    const { ino, size, mtimeMs } = await stat(file);
    const stamp = `${ino}:${size}:${mtimeMs}`;
    const known = this.#known.get(file);
    if (known?.stamp === stamp) return known.profile;
    const { loadProfile } = await import('../config/profiles.js');
    const { profile } = await loadProfile(file);
    this.#known.set(file, { stamp, profile });
    return profile;
  }
}

const TYPES = { tcp: 'modbus_tcp', rtu: 'modbus_rtu_tcp', ascii: 'modbus_ascii_tcp' } as const;

/** As the configuration has it, without what is the default anyway. */
function busOf(name: string, where: Target): Record<string, unknown> {
  if (where.kind === 'host') {
    const { host, port, framing } = where;
    return { name, type: TYPES[framing], host, ...(port === (framing === 'tcp' ? 502 : 4001) ? {} : { port }) };
  }
  const { framing, port, baud, data_bits, parity, stop_bits } = where;
  const usual = framing === 'rtu' ? { data_bits: 8, parity: 'none' } : { data_bits: 7, parity: 'even' };
  return {
    ...{ name, type: framing === 'rtu' ? 'modbus_rtu' : 'modbus_ascii', port, baud },
    ...(data_bits === usual.data_bits ? {} : { data_bits }),
    ...(parity === usual.parity ? {} : { parity }),
    ...(stop_bits === 1 ? {} : { stop_bits }),
  };
}

function tagsOf(config: Config, name: string): number {
  const device = config.field.devices.find((each) => each.name === name);
  if (device === undefined || !('tags' in device)) throw new FerruleError('FER_INTERNAL', `${name} is not in the configuration.`);
  return device.tags.length;
}

function summaryOf({ name, vendor, model, kind, description, tags, connection, defaults }: Profile, shipped: boolean) {
  return {
    name,
    vendor,
    model,
    kind,
    description: description ?? null,
    units: [...new Set(tags.flatMap(({ unit }) => (unit === undefined ? [] : [unit])))],
    tags: tags.length,
    writable: tags.filter(({ access }) => access !== 'read').length,
    shipped,
    serial: connection?.serial ?? null,
    tcpPort: connection?.tcp?.port ?? null,
    unit: defaults?.unit ?? null,
  };
}

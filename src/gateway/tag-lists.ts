import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { editText } from '../config/edit.js';
import type { Config } from '../config/schema.js';
import type { GivenList, ImportFacts } from '../console/device-setup.js';
import { FerruleError } from '../errors.js';
import type { ModbusDeviceConfig } from '../field/schema.js';
import { writeTagTable } from '../field/tags-file/write.js';
import type { ConfigEdits, Draft } from './config-edits.js';
import { type OwnList, ownList } from './imported-list.js';
import { changesOf, type Fault, faultsOf, type TagChanges } from './tag-changes.js';
import { freeListName, writtenList } from './written-field.js';

/** What a list would do. */
export interface TagListPreview {
  /** Name of its file. */
  file: string;
  /** The device has no list yet: it is made, and the device's own tags leave the configuration. */
  isNew: boolean;
  /** null: there are errors. */
  changes: (TagChanges & { tags: number }) | null;
  errorCount: number;
  errors: Fault[];
  warnings: Fault[];
  /** Of another program's list; null: it was a tag list. */
  imported: ImportFacts | null;
}

/** The tag lists of devices (`tags_file`), as the console reads and replaces them. */
export class TagLists {
  readonly #edits: ConfigEdits;

  constructor(edits: ConfigEdits) {
    this.#edits = edits;
  }

  /** A device's list as it is on the disk; of a device without one, its tags as a list. null: no such Modbus device. */
  async read(name: string): Promise<{ file: string | null; csv: string } | null> {
    const device = modbusDevice(this.#edits.config, name);
    if (device === null) return null;
    const { tags, tags_file: file } = device;
    if (file === undefined) return { file: null, csv: writeTagTable(tags) };
    const csv = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new FerruleError('FER_FIELD_TAGS_FILE', `The list can't be read: ${error.message}.`, { where: { file }, cause: error });
    });
    return { file: basename(file), csv };
  }

  /** What `replace` would do; nothing is changed. null: no such Modbus device. */
  async preview(name: string, list: GivenList): Promise<TagListPreview | null> {
    const device = modbusDevice(this.#edits.config, name);
    if (device === null) return null;
    const own = await ownList(list);
    const draft = await this.#draft(name, own);
    const { loaded, errors, warnings } = await this.#edits.check(draft);
    const [file = ''] = draft.lists.keys();
    const after = loaded === null ? null : (modbusDevice(loaded.config, name)?.tags ?? []);
    return {
      file: basename(file),
      isNew: draft.newLists.length > 0,
      changes: after === null ? null : { ...changesOf(device.tags, after), tags: after.length },
      errorCount: errors.length,
      errors: faultsOf(errors),
      warnings: faultsOf(warnings),
      imported: own.imported,
    };
  }

  /**
   * Replaces a device's list; a device without one gets it, in the place of its own tags. It is checked with the whole
   * configuration, then written, then taken over. Rejects with a FerruleError where anything is wrong, and nothing has changed.
   * Resolves with the number of the device's tags; null: no such Modbus device.
   */
  async replace(name: string, list: GivenList): Promise<number | null> {
    const loaded = await this.#edits.change(async () => {
      return modbusDevice(this.#edits.config, name) === null ? null : this.#draft(name, await ownList(list));
    });
    return loaded === null ? null : (modbusDevice(loaded.config, name)?.tags.length ?? 0);
  }

  /** From what is on the disk: the configuration may have been edited since it was taken over. */
  async #draft(name: string, { csv, errors: faults, placed }: OwnList): Promise<Draft> {
    const { file } = this.#edits.source;
    const text = await this.#edits.text();
    const devices = writtenList(file, text, 'devices');
    const index = devices.findIndex((device) => device.name === name);
    if (index === -1) {
      throw new FerruleError('FER_FIELD_TAGS_FILE', `The configuration of ${name} is being changed at the same time.`, {
        where: { subject: name },
        hint: 'Try again.',
      });
    }
    const written = devices[index]?.tags_file;
    if (typeof written === 'string' && written !== '') {
      const list = resolve(dirname(file), written);
      return { text, lists: new Map([[list, csv]]), newLists: [], faults, placed: (errors) => placed(errors, list) };
    }
    const list = await freeListName(dirname(file), name);
    const device = ['field', 'devices', index];
    const edited = editText(text, [
      { op: 'delete', path: [...device, 'tags'] },
      { op: 'set', path: [...device, 'tags_file'], value: basename(list) },
    ]);
    return { text: edited, lists: new Map([[list, csv]]), newLists: [list], faults, placed: (errors) => placed(errors, list) };
  }
}

function modbusDevice(config: Config, name: string): ModbusDeviceConfig | null {
  const device = config.field.devices.find((each) => each.name === name);
  return device !== undefined && 'tags' in device ? device : null;
}

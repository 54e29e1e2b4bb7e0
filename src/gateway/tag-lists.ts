import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeFileAtomically } from '../config/edit.js';
import { ConfigErrors } from '../config/errors.js';
import { type LoadOptions, parseConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { readConfigText } from '../config/source.js';
import { FerruleError } from '../errors.js';
import type { ModbusDeviceConfig } from '../field/schema.js';
import { writeTagTable } from '../field/tags-file/write.js';

export interface TagListsOptions {
  /** The configuration that the gateway runs with. */
  config(): Config;
  /** Its file, and how it is loaded; null: it is from no file, lists can be read only. */
  source: { file: string; load: LoadOptions } | null;
  apply(config: Config): Promise<void>;
}

/** The tag lists of devices (`tags_file`), as the console reads and replaces them. */
export class TagLists {
  readonly #options: TagListsOptions;
  /** One after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TagListsOptions) {
    this.#options = options;
  }

  /** A device's list as it is on the disk; of a device without one, its tags as a list. null: no such Modbus device. */
  async read(name: string): Promise<{ file: string | null; csv: string } | null> {
    const device = modbusDevice(this.#options.config(), name);
    if (device === null) return null;
    const { tags, tags_file: file } = device;
    if (file === undefined) return { file: null, csv: writeTagTable(tags) };
    const csv = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new FerruleError('FER_FIELD_TAGS_FILE', `The list can't be read: ${error.message}.`, { where: { file }, cause: error });
    });
    return { file: basename(file), csv };
  }

  /**
   * Replaces a device's list: it is checked with the whole configuration, then written, then taken over. Rejects with a
   * FerruleError where anything is wrong, and nothing has changed. Resolves with the number of the device's tags; null: no
   * such Modbus device.
   */
  replace(name: string, csv: string): Promise<number | null> {
    const turn = this.#turn.then(() => this.#replace(name, csv));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #replace(name: string, csv: string): Promise<number | null> {
    const device = modbusDevice(this.#options.config(), name);
    if (device === null) return null;
    const { source } = this.#options;
    const list = device.tags_file;
    if (source === null || list === undefined) {
      throw new FerruleError('FER_FIELD_TAGS_FILE', `The device ${name} has no list of its own.`, {
        where: { subject: name },
        hint: `Add tags_file: ${name}.csv to it in the configuration.`,
      });
    }
    const text = await readConfigText(source.file);
    const { config } = await parseConfig(text, source.file, { ...source.load, needTagLists: true, tagLists: new Map([[list, csv]]) }).catch(
      (error: unknown) => {
        throw error instanceof ConfigErrors ? inOne(error) : error;
      },
    );
    const next = modbusDevice(config, name);
    if (next?.tags_file !== list) {
      throw new FerruleError('FER_FIELD_TAGS_FILE', `The configuration of ${name} is being changed at the same time.`, {
        where: { subject: name },
        hint: 'Try again.',
      });
    }
    await writeFileAtomically(list, csv);
    await this.#options.apply(config);
    return next.tags.length;
  }
}

function modbusDevice(config: Config, name: string): ModbusDeviceConfig | null {
  const device = config.field.devices.find((each) => each.name === name);
  return device !== undefined && 'tags' in device ? device : null;
}

/** An answer of the API has one error: the first, and how many there are. */
function inOne({ errors }: ConfigErrors): FerruleError {
  const [first, ...more] = errors;
  if (first === undefined) return new FerruleError('FER_INTERNAL', 'The configuration is refused without a reason.');
  const rest = more.length === 0 ? '' : ` There ${more.length === 1 ? 'is 1 more fault' : `are ${more.length} more faults`}.`;
  return new FerruleError(first.code, first.message + rest, {
    ...(first.where === undefined ? {} : { where: first.where }),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

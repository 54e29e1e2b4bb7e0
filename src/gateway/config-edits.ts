import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../config/edit.js';
import { ConfigErrors } from '../config/errors.js';
import { type LoadedConfig, type LoadOptions, parseConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { readConfigText } from '../config/source.js';
import { FerruleError } from '../errors.js';

export interface ConfigEditsOptions {
  /** The configuration that the gateway runs with. */
  config(): Config;
  /** Its file, and how it is loaded; null: it is from no file, and can't be changed. */
  source: { file: string; load: LoadOptions } | null;
  apply(config: Config): Promise<void>;
}

/** What is to become of the files of the configuration. */
export interface Draft {
  /** Of the configuration itself. */
  text: string;
  /** Tag lists that are written, by absolute path. */
  lists: ReadonlyMap<string, string>;
  /** Those of them that are not there yet. */
  newLists: readonly string[];
  /** What is wrong with it before it is looked at as a configuration: it is refused. */
  faults?: readonly FerruleError[];
  /** Puts errors where people can find them. */
  placed?(errors: readonly FerruleError[]): readonly FerruleError[];
}

/** A draft, and what it would be as a configuration. */
export interface Checked {
  draft: Draft;
  /** null: it is refused. */
  loaded: LoadedConfig | null;
  errors: readonly FerruleError[];
  /** Those that the configuration does not have already. */
  warnings: readonly FerruleError[];
}

/**
 * Changes of the configuration's files from the console, one after the other: checked as a whole, then written, then taken
 * over. Where anything is wrong nothing has changed.
 */
export class ConfigEdits {
  readonly #options: ConfigEditsOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ConfigEditsOptions) {
    this.#options = options;
  }

  get config(): Config {
    return this.#options.config();
  }

  /** Throws FER_CONFIG_WRITE where the configuration is from no file. */
  get source(): { file: string; load: LoadOptions } {
    const source = this.sourceOrNull;
    if (source !== null) return source;
    throw new FerruleError('FER_CONFIG_WRITE', 'The configuration of this gateway is from no file, so it can not be changed here.', {
      hint: 'Start it with ferrule start --config FILE.',
    });
  }

  get sourceOrNull(): { file: string; load: LoadOptions } | null {
    return this.#options.source;
  }

  /** The configuration as it is on the disk. */
  text(): Promise<string> {
    return readConfigText(this.source.file);
  }

  async check(draft: Draft): Promise<Checked> {
    if (draft.faults !== undefined && draft.faults.length > 0) return { draft, loaded: null, errors: draft.faults, warnings: [] };
    const checked = await this.#checkConfig(draft);
    const { placed = (errors) => errors } = draft;
    return { ...checked, errors: placed(checked.errors), warnings: placed(checked.warnings) };
  }

  async #checkConfig(draft: Draft): Promise<Checked> {
    const { file, load } = this.source;
    const parse = (text: string, lists: ReadonlyMap<string, string>) =>
      parseConfig(text, file, { ...load, needTagLists: true, tagLists: lists });
    try {
      const loaded = await parse(draft.text, draft.lists);
      if (loaded.warnings.length === 0) return { draft, loaded, errors: [], warnings: [] };
      const before = await parse(await this.text(), new Map()).catch(() => null);
      const known = new Set(before?.warnings.map(({ message }) => message));
      return { draft, loaded, errors: [], warnings: loaded.warnings.filter(({ message }) => !known.has(message)) };
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      return { draft, loaded: null, errors: error.errors, warnings: [] };
    }
  }

  /** Makes a draft, checks it, writes it and takes it over, when earlier changes have ended. `make` gives null: nothing is done. */
  change(make: () => Promise<Draft | null>): Promise<LoadedConfig | null> {
    const turn = this.#turn.then(async () => {
      const draft = await make();
      if (draft === null) return null;
      const { loaded, errors } = await this.check(draft);
      if (loaded === null) throw inOne(errors);
      await this.#write(draft);
      await this.#options.apply(loaded.config);
      return loaded;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #write({ text, lists, newLists }: Draft): Promise<void> {
    const { file } = this.source;
    for (const [list, csv] of lists) await writeFileAtomically(list, csv);
    if (text === (await this.text())) return;
    try {
      await writeFileAtomically(file, text);
    } catch (error) {
      // A list that nothing names would be in the way of the next try.
      for (const list of newLists) await rm(list, { force: true });
      throw error;
    }
  }
}

/** An answer of the API has one error: the first, and how many there are. */
function inOne([first, ...more]: readonly FerruleError[]): FerruleError {
  if (first === undefined) return new FerruleError('FER_INTERNAL', 'The configuration is refused without a reason.');
  const rest = more.length === 0 ? '' : ` There ${more.length === 1 ? 'is 1 more fault' : `are ${more.length} more faults`}.`;
  return new FerruleError(first.code, first.message + rest, {
    ...(first.where === undefined ? {} : { where: first.where }),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

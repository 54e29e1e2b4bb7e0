import type { FerruleError } from '../errors.js';
import { clashesWith, type LoadedFile } from './load.js';
import type { CompiledRule } from './rule.js';

interface LibraryFile {
  /** What was read last. */
  latest: LoadedFile;
  /** What runs: the rules of the last version without errors. */
  running: CompiledRule[];
  /** Of the latest version; empty: it runs. */
  errors: FerruleError[];
}

/**
 * The rule files of a folder: what was read last, what runs, and what is wrong. A file takes effect as a whole, and
 * only without errors; until then its previous version stays.
 */
export class Library {
  #files = new Map<string, LibraryFile>();
  /** The folder itself could not be read. */
  #folderError: FerruleError | null = null;

  /** Rules to run, in the order of files and lines. */
  get rules(): CompiledRule[] {
    return [...this.#files.values()].flatMap((file) => file.running);
  }

  get files(): readonly { file: string; running: readonly CompiledRule[]; errors: readonly FerruleError[] }[] {
    return [...this.#files.entries()].map(([file, { running, errors }]) => ({ file, running, errors }));
  }

  get errors(): FerruleError[] {
    return [...(this.#folderError === null ? [] : [this.#folderError]), ...[...this.#files.values()].flatMap((file) => file.errors)];
  }

  /** What was read of a file last. */
  latestOf(file: string): LoadedFile | null {
    return this.#files.get(file)?.latest ?? null;
  }

  /** The folder could not be read: everything stays as it is, and says so. */
  setFolderError(error: FerruleError): void {
    this.#folderError = error;
  }

  /** Takes the files as they are now, sorted by name. */
  update(loaded: readonly LoadedFile[]): void {
    this.#folderError = null;
    const before = this.#files;
    const broken = new Map<string, FerruleError[]>();
    for (const file of loaded) if (file.errors.length > 0) broken.set(file.file, file.errors);
    // A name belongs to the file that runs it; the newcomer is the one that has to change. A file that turns out
    // broken keeps its running version, and with it its names, which may break another: again, until nothing changes.
    while (this.#findClashes(loaded, before, broken));
    this.#files = new Map(
      loaded.map((latest) => {
        const errors = broken.get(latest.file) ?? [];
        const running = errors.length === 0 ? latest.rules : (before.get(latest.file)?.running ?? []);
        return [latest.file, { latest, running, errors }];
      }),
    );
  }

  #findClashes(loaded: readonly LoadedFile[], before: ReadonlyMap<string, LibraryFile>, broken: Map<string, FerruleError[]>): boolean {
    const owners = new Map<string, CompiledRule>();
    const own = (rules: readonly CompiledRule[]): void => {
      for (const rule of rules) owners.set(rule.name, rule);
    };
    const isUnchanged = (file: LoadedFile): boolean => {
      const known = before.get(file.file);
      return known !== undefined && known.errors.length === 0 && known.latest.source === file.source;
    };
    for (const file of loaded) if (broken.has(file.file)) own(before.get(file.file)?.running ?? []);
    const candidates = loaded.filter((file) => !broken.has(file.file));
    for (const file of candidates) if (isUnchanged(file)) own(file.rules);
    for (const file of candidates) {
      if (isUnchanged(file)) continue;
      const clashes = clashesWith(owners, file);
      if (clashes.length > 0) {
        broken.set(file.file, clashes);
        return true;
      }
      own(file.rules);
    }
    return false;
  }
}

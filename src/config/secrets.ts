import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerruleError } from '../errors.js';
import { isObject } from './json-schema.js';
import { ConfigSource, readConfigText } from './source.js';

export const SECRETS_FILE = 'secrets.yaml';

export interface SecretsOptions {
  /** The configuration's file: secrets.yaml is looked for beside it. */
  configFile: string;
  /** systemd's $CREDENTIALS_DIRECTORY; a credential wins over secrets.yaml. */
  credentialsDirectory?: string | undefined;
}

/** Looks secrets up by name: among systemd's credentials first, then in secrets.yaml. The file is read once. */
export class Secrets {
  readonly file: string;
  readonly warnings: FerruleError[] = [];
  readonly errors: FerruleError[] = [];
  readonly #credentials: string | undefined;
  #values: Promise<Map<string, string>> | null = null;

  constructor({ configFile, credentialsDirectory }: SecretsOptions) {
    this.file = join(dirname(configFile), SECRETS_FILE);
    this.#credentials = credentialsDirectory === '' ? undefined : credentialsDirectory;
  }

  /** The secret, or what to tell the person who asked for it. */
  async get(name: string): Promise<{ value: string } | { missing: string; hint: string }> {
    // The name becomes part of a path.
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) {
      return { missing: `${JSON.stringify(name)} can't be the name of a secret.`, hint: 'Use letters, digits, dots, - and _.' };
    }
    const credential = await this.#credential(name);
    if (credential !== null) return { value: credential };
    this.#values ??= this.#read();
    const value = (await this.#values).get(name);
    if (value !== undefined) return { value };
    return { missing: `There is no secret named "${name}".`, hint: `Add it to ${this.file} (mode 0600) as ${name}: value.` };
  }

  async #credential(name: string): Promise<string | null> {
    if (this.#credentials === undefined) return null;
    try {
      return (await readConfigText(join(this.#credentials, name))).replace(/\r?\n$/, '');
    } catch (error) {
      if (isMissing(error)) return null;
      this.errors.push(secretError(error, 'FER_CONFIG_SECRET'));
      return null;
    }
  }

  async #read(): Promise<Map<string, string>> {
    const values = new Map<string, string>();
    try {
      const text = await readConfigText(this.file);
      if (!(await this.#isPrivate())) return values;
      this.#parse(text, values);
    } catch (error) {
      if (!isMissing(error)) this.errors.push(secretError(error, 'FER_CONFIG_SECRET'));
    }
    return values;
  }

  /** Refuses a file that everybody may read; a group that may is a decision, and said. */
  async #isPrivate(): Promise<boolean> {
    const mode = (await stat(this.file)).mode & 0o777;
    if ((mode & 0o077) === 0) return true;
    const everybody = (mode & 0o007) !== 0;
    const error = new FerruleError(
      'FER_CONFIG_SECRET',
      `${everybody ? 'Everybody on this system' : 'A group of this system'} has access to the secrets (mode ${mode.toString(8).padStart(4, '0')}).`,
      { where: { file: this.file }, hint: `Run: chmod 600 ${this.file}` },
    );
    (everybody ? this.errors : this.warnings).push(error);
    return !everybody;
  }

  #parse(text: string, values: Map<string, string>): void {
    const source = new ConfigSource(this.file, text);
    const syntax = source.syntaxErrors();
    if (syntax.length > 0) {
      this.errors.push(...syntax);
      return;
    }
    const content = source.toValue();
    if (!isObject(content)) {
      this.errors.push(
        source.error({ path: [], code: 'FER_CONFIG_SECRET', message: 'The file is not a mapping.', hint: 'Write one name: value a line.' }),
      );
      return;
    }
    for (const [name, value] of Object.entries(content)) {
      if (typeof value === 'string' && value !== '') values.set(name, value);
      else {
        const message = 'The value of a secret must be text.';
        this.errors.push(source.error({ path: [name], code: 'FER_CONFIG_SECRET', message, hint: 'Put it into quotes.' }));
      }
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof FerruleError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function secretError(error: unknown, code: 'FER_CONFIG_SECRET'): FerruleError {
  if (!(error instanceof FerruleError)) throw error;
  return new FerruleError(code, error.message, {
    ...(error.where && { where: error.where }),
    ...(error.hint && { hint: error.hint }),
    cause: error,
  });
}

import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ErrorPlace, FerruleError } from '../errors.js';
import { semanticFindings, semanticWarnings, writtenWarnings } from './checks.js';
import { Converter } from './convert.js';
import { ConfigErrors, inOrder } from './errors.js';
import type { Expansion } from './expand-profiles.js';
import { fillDefaults } from './fill.js';
import { isValid } from './is-valid.js';
import { isObject, type JsonSchema } from './json-schema.js';
import { takeNotYet } from './not-yet.js';
import { type Config, ConfigSchema } from './schema.js';
import { Secrets } from './secrets.js';
import { ConfigSource, type Finding, formatPath, readConfigText } from './source.js';
import { withTagFiles } from './tag-files.js';

export interface LoadOptions {
  /**
   * Files that the configuration names and that can't be read: `error` (for `check`), `warning` (for a start: the part
   * that needs them fails alone), `ignore` (not looked at). Default: `warning`.
   */
  files?: 'error' | 'warning' | 'ignore';
  /** Default: $CREDENTIALS_DIRECTORY. */
  credentialsDirectory?: string;
  /** Folder of device profiles beside the one that is looked in first, `profiles` beside the configuration; need not exist. */
  profiles?: string;
  /** Tag lists that can't be read are errors, whatever `files` says: where nothing is lost by keeping to what was before. */
  needTagLists?: boolean;
  /** What is to be taken for tag lists in the place of what is on the disk, by absolute path. */
  tagLists?: ReadonlyMap<string, string | Buffer>;
}

export interface LoadedConfig {
  config: Config;
  warnings: FerruleError[];
  /** The file's absolute path and its content, for showing and editing. */
  file: string;
  text: string;
  /** Files and folders beside it that have a part in it (profiles, tag lists): when one changes, the configuration may. */
  parts: string[];
}

/** Beside the configuration, and in the data folder. */
export const PROFILES_FOLDER = 'profiles';

const schema = ConfigSchema as unknown as JsonSchema;

/** Reads and validates a configuration file. Throws ConfigErrors with everything that is wrong. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const absolute = resolve(file);
  let text: string;
  try {
    text = await readConfigText(absolute);
  } catch (error) {
    throw error instanceof FerruleError ? new ConfigErrors([error]) : error;
  }
  return parseConfig(text, absolute, options);
}

/** The same for a text that is (or will be) the content of `file`. Throws ConfigErrors. */
export async function parseConfig(text: string, file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const source = new ConfigSource(file, text);
  const raw = readRaw(source);
  const warnings = source.syntaxWarnings();
  for (const path of takeNotYet(raw)) {
    const message = `${formatPath(path)} is not supported yet and is ignored.`;
    warnings.push(source.error({ path, atKey: true, code: 'FER_CONFIG_NOT_YET', message, hint: 'A later version will act on it.' }));
  }
  const files = options.files ?? 'warning';
  const lists = await withTagFiles(raw, {
    directory: dirname(file),
    read: files !== 'ignore',
    ...(options.tagLists === undefined ? {} : { contents: options.tagLists }),
  });
  const ownProfiles = [join(dirname(file), PROFILES_FOLDER), ...(options.profiles === undefined ? [] : [options.profiles])];
  const expansion = await withProfiles(lists.value, ownProfiles);
  const filled = fillDefaults(schema, withSystemDefaults(expansion.value), isValid);
  const findings = isValid(schema, filled) ? [] : await faultsOf(filled);

  const secrets = new Secrets({
    configFile: file,
    credentialsDirectory: options.credentialsDirectory ?? process.env.CREDENTIALS_DIRECTORY,
  });
  const converter = new Converter({ directory: dirname(file), secrets, checkFiles: files !== 'ignore', isValid });
  const config = (await converter.convert(schema, filled)) as Config;
  findings.push(...converter.findings);
  const isWhole = expansion.findings.length + expansion.errors.length + lists.errors.length === 0;
  const isChecked = findings.length === 0 && isWhole;
  if (isChecked) findings.push(...semanticFindings(config));
  if (files === 'error' || options.needTagLists === true) findings.push(...lists.unreadable);
  else warnings.push(...lists.unreadable.map((finding) => source.error(finding)));
  if (files === 'error') findings.push(...converter.fileFindings);
  else warnings.push(...converter.fileFindings.map((finding) => source.error(finding)));

  const placed = (finding: Finding) => {
    const path = expansion.placeOf(finding.path);
    return placedError(finding, lists.placeOf(path)) ?? source.error({ ...finding, path });
  };
  const errors = [
    ...findings.map(placed),
    ...expansion.findings.map((finding) => source.error(finding)),
    ...lists.errors,
    ...expansion.errors,
    ...secrets.errors,
  ];
  warnings.push(...secrets.warnings);
  if (errors.length > 0) throw new ConfigErrors(inOrder(errors), isChecked);
  const ofWritten = writtenWarnings(lists.value).map(
    (finding) => placedError(finding, lists.placeOf(finding.path)) ?? source.error(finding),
  );
  warnings.push(...ofWritten, ...semanticWarnings(config).map(placed));
  return { config, warnings: inOrder(warnings), file, text, parts: [...ownProfiles, ...lists.files, ...expansion.files] };
}

/**
 * A configuration from an object, with the keys and values of the file (durations and sizes as text); `{}` has all
 * defaults. Relative paths are below `directory`. Throws ConfigErrors.
 */
export async function configFrom(settings: Record<string, unknown>, directory = process.cwd(), options: LoadOptions = {}): Promise<Config> {
  // JSON is YAML: what is wrong is reported with its place as in a file.
  const { config } = await parseConfig(JSON.stringify(settings, null, 2), join(resolve(directory), 'settings'), options);
  return config;
}

async function withProfiles(raw: unknown, own: readonly string[]): Promise<Expansion> {
  const field = isObject(raw) ? raw.field : undefined;
  const devices: unknown[] = isObject(field) && Array.isArray(field.devices) ? field.devices : [];
  if (!devices.some((device) => isObject(device) && typeof device.profile === 'string')) {
    return { value: raw, findings: [], errors: [], files: [], placeOf: (path) => path };
  }
  // Loaded only now: many gateways have no profiles.
  const [{ expandProfiles }, { ProfileLibrary }] = await Promise.all([import('./expand-profiles.js'), import('./profiles.js')]);
  return expandProfiles(raw, new ProfileLibrary(own));
}

/** null: it is of the configuration's own file. */
function placedError({ code, message, hint }: Finding, where: ErrorPlace | null): FerruleError | null {
  return where === null ? null : new FerruleError(code ?? 'FER_CONFIG_VALUE', message, { where, ...(hint === undefined ? {} : { hint }) });
}

async function faultsOf(filled: unknown): Promise<Finding[]> {
  // Loaded only now: most configurations have none.
  const { validator } = await import('./validate.js');
  return validator.validate(schema, filled);
}

function readRaw(source: ConfigSource): unknown {
  const errors = source.syntaxErrors();
  if (errors.length > 0) throw new ConfigErrors(inOrder(errors));
  try {
    return source.toValue();
  } catch (error) {
    throw error instanceof FerruleError ? new ConfigErrors([error]) : error;
  }
}

/** Defaults that are known only on the machine. */
function withSystemDefaults(raw: unknown): unknown {
  if (!isObject(raw)) return raw;
  const written = raw.gateway ?? {};
  if (!isObject(written)) return raw;
  const id =
    written.id ??
    (hostname()
      .replace(/[\s/+#$]/g, '-')
      .slice(0, 64) ||
      'ferrule');
  const time_zone = written.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { ...raw, gateway: { name: typeof id === 'string' ? id : 'ferrule', ...written, id, time_zone } };
}

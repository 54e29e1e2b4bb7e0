/**
 * The one error class of the program and the catalogue of its codes.
 *
 * A code is never reused: one that falls out of use stays here, marked as retired. Each module adds its codes
 * to its own section; docs/errors.md is generated from this table.
 */
export const ERROR_CODES = {
  // --- general
  FER_INTERNAL: 'A fault in the program itself.',
  FER_STOPPED: 'The part that was asked has been stopped.',

  // --- config
  FER_CONFIG_READ: 'A configuration file can not be read as text.',
  FER_CONFIG_LIMIT: 'A configuration file is too large, or repeats itself too often.',
  FER_CONFIG_SYNTAX: 'A configuration file is not correct YAML.',
  FER_CONFIG_UNKNOWN_KEY: 'A key of the configuration is not known at its place.',
  FER_CONFIG_MISSING_KEY: 'A key that the configuration needs is missing.',
  FER_CONFIG_VALUE: 'A value of the configuration is not allowed.',
  FER_CONFIG_CONFLICT: 'Values of the configuration do not go together.',
  FER_CONFIG_FILE: 'A file that the configuration names can not be read.',
  FER_CONFIG_SECRET: 'A secret is missing, or the file of secrets is not safe or not correct.',
  FER_CONFIG_NOT_YET: 'A key of the configuration is accepted, but this version does not act on it.',
  FER_CONFIG_WRITE: 'The configuration can not be changed or written.',

  // --- mqtt

  // --- store

  // --- broker
  FER_BROKER_LISTEN: 'A listener could not be opened: the port is in use, or may not be used.',
  FER_BROKER_TLS: 'The certificate or key of a listener could not be read.',
  FER_BROKER_TOPIC: 'A part of the gateway published to a topic that is not possible.',
  FER_BROKER_FILTER: 'A part of the gateway subscribed to a topic filter that is not possible.',
  FER_BROKER_USER_NAME: 'The name of an MQTT user is not possible.',
  FER_BROKER_USER_PASSWORD: 'The password of an MQTT user is too short.',

  // --- field

  // --- rules

  // --- bridge

  // --- console

  // --- cli
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Where something went wrong: a place in a file, or a named thing (device, tag, client, bridge). */
export interface ErrorPlace {
  file?: string;
  /** 1-based. */
  line?: number;
  /** 1-based. */
  column?: number;
  /** Path inside a document, e.g. `field.devices[2].unit`, or the name of a device, tag, client, bridge. */
  subject?: string;
}

export interface ErrorDetails {
  where?: ErrorPlace;
  /** What a person can do about it, as a full sentence. */
  hint?: string;
  cause?: unknown;
}

export class FerruleError extends Error {
  readonly code: ErrorCode;
  readonly where: ErrorPlace | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FerruleError';
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }

  /** One line for logs and terminals: `file:line:col: message. hint [CODE]`. */
  toLine(): string {
    const place = formatPlace(this.where);
    return `${place === '' ? '' : `${place}: `}${this.message}${this.hint === undefined ? '' : ` ${this.hint}`} [${this.code}]`;
  }
}

export function formatPlace(where: ErrorPlace | undefined): string {
  if (where === undefined) return '';
  const file = where.file === undefined ? '' : [where.file, where.line, where.column].filter((part) => part !== undefined).join(':');
  return [file, where.subject].filter((part) => part !== undefined && part !== '').join(' ');
}

/** The message of anything that was thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

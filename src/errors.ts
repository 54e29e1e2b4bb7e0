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
  FER_CONFIG_DOUBT: 'Something in the configuration is allowed, but looks like a slip.',
  FER_CONFIG_FILE: 'A file that the configuration names can not be read.',
  FER_CONFIG_SECRET: 'A secret is missing, or the file of secrets is not safe or not correct.',
  FER_CONFIG_NOT_YET: 'A key of the configuration is accepted, but this version does not act on it.',
  FER_CONFIG_WRITE: 'The configuration can not be changed or written.',

  // --- mqtt

  // --- store
  FER_STORE_OPEN: 'The data directory or the database in it can not be created or opened.',
  FER_STORE_LOCKED: 'Another process uses the same data directory.',
  FER_STORE_NEWER: 'The database was written by a newer version of the program.',
  FER_STORE_FULL: 'The disk of the data directory is full: nothing durable is taken until there is space again.',
  FER_STORE_IO: 'Reading or writing the database failed.',
  FER_STORE_CORRUPT: 'The database is damaged.',

  // --- broker
  FER_BROKER_LISTEN: 'A listener could not be opened: the port is in use, or may not be used.',
  FER_BROKER_TLS: 'The certificate or key of a listener could not be read.',
  FER_BROKER_TOPIC: 'A part of the gateway published to a topic that is not possible.',
  FER_BROKER_FILTER: 'A part of the gateway subscribed to a topic filter that is not possible.',
  FER_BROKER_USER_NAME: 'The name of an MQTT user is not possible.',
  FER_BROKER_USER_PASSWORD: 'The password of an MQTT user is too short.',
  FER_BROKER_TRACE: 'A trace of packets can not be started as asked, or too many run.',
  FER_BROKER_QUEUE_FULL: 'The spool of a bridge is full and takes nothing more; its publisher gets no acknowledgement.',
  FER_BROKER_BAN: 'A ban can not be set as asked.',
  FER_BROKER_REDIRECT: 'The server that clients shall be sent to is not named in a way that MQTT knows.',
  FER_BROKER_JWKS: 'The file of public keys for tokens can not be read.',

  // --- field
  FER_FIELD_BUS: 'A bus can not be reached: its port or address, or what is behind it.',
  FER_FIELD_UNKNOWN_TAG: 'There is no such device or tag.',
  FER_FIELD_READ_ONLY: 'The tag may not be written.',
  FER_FIELD_BAD_VALUE: 'The value does not fit the tag: its type, its range or its limits.',
  FER_FIELD_BAD_REQUEST: 'The message on a set topic is no value.',
  FER_FIELD_RESPONSE_TOPIC: 'The sender of a command may not publish to the response topic that it named; nothing was done.',
  FER_FIELD_NO_ANSWER: 'The device or its bus can not be reached; nothing was written.',
  FER_FIELD_WRITE_UNCONFIRMED: 'A write was sent and not confirmed: it may have taken effect.',
  FER_FIELD_REFUSED: 'The device refused the write (Modbus exception).',
  FER_FIELD_UNKNOWN_BUS: 'There is no such bus.',
  FER_FIELD_SCAN: 'A scan can not be started as asked.',
  FER_FIELD_READ: 'A tool could not read what it was asked to.',
  FER_FIELD_WATCH: 'Too many watch the frames of a bus.',
  FER_FIELD_SUNSPEC: 'A device has no SunSpec map.',
  FER_FIELD_PROFILE: 'A device profile is not valid, or there is none of this name.',
  FER_FIELD_READ_BACK: 'The value that was read back differs from the one that was written.',
  FER_FIELD_TAGS_FILE: 'A list of tags (tags_file, or one to import) can not be read: its form, a column, a cell.',
  FER_FIELD_SERVER_LISTEN: 'A Modbus server can not listen on its address or port.',

  // --- rules
  FER_RULES_FILE: 'A rule file cannot be read, or is no valid YAML.',
  FER_RULES_SCHEMA: 'A rule has a key or a value that rules do not have.',
  FER_RULES_UNSUPPORTED: 'A rule uses a key that this version does not support yet.',
  FER_RULES_DUPLICATE: 'Two rules have the same name.',
  FER_RULES_EXPRESSION: 'An expression of a rule is not valid.',
  FER_RULES_EVALUATION: 'An expression of a rule failed while it ran.',
  FER_RULES_ACTION: 'An action of a rule could not be carried out.',
  FER_RULES_LOOP: 'Rules triggered one another in a circle, which was cut.',
  FER_RULES_OVERLOAD: 'A rule has too many actions under way, or too many topics to keep a state for.',

  // --- bridge
  FER_BRIDGE_MAPPING: 'A topic filter or template of a bridge cannot work.',
  FER_BRIDGE_CONFIG: 'A setting of a bridge cannot work.',
  FER_BRIDGE_DNS: 'The name of the upstream could not be resolved.',
  FER_BRIDGE_REFUSED: 'Nothing listens at the address of the upstream.',
  FER_BRIDGE_UNREACHABLE: 'There is no way to the address of the upstream.',
  FER_BRIDGE_TIMEOUT: 'The upstream did not answer in time while the link was being set up.',
  FER_BRIDGE_TLS: 'The TLS handshake with the upstream failed: certificate, name, authority, protocol.',
  FER_BRIDGE_TLS_FILE: 'A certificate or key file of a bridge cannot be read.',
  FER_BRIDGE_CREDENTIALS: 'The upstream does not accept the user name or password.',
  FER_BRIDGE_NOT_AUTHORIZED: 'The upstream does not allow this client to connect.',
  FER_BRIDGE_CLIENT_ID: 'The upstream does not accept the client id.',
  FER_BRIDGE_VERSION: 'The upstream does not speak this version of MQTT.',
  FER_BRIDGE_UPSTREAM: 'The upstream refused or ended the link for a reason of its own.',
  FER_BRIDGE_TAKEN_OVER: 'Another client took over the session of the bridge at the upstream.',
  FER_BRIDGE_LINK_LOST: 'The link to the upstream broke.',
  FER_BRIDGE_KEEP_ALIVE: 'The upstream fell silent: the link is half open.',
  FER_BRIDGE_ACK_TIMEOUT: 'The upstream did not acknowledge a message in time.',
  FER_BRIDGE_PROTOCOL: 'The upstream sent something that is not MQTT, or not allowed at this point.',
  FER_BRIDGE_SUBSCRIBE: 'The upstream refused a subscription of the bridge.',
  FER_BRIDGE_HOLD: 'The upstream cannot take messages at present; they are kept and tried again.',
  FER_BRIDGE_LOCAL: 'A message from the upstream could not be made safe here; it is not acknowledged and is tried again.',
  FER_BRIDGE_SPOOL: 'The spool of a bridge could not be opened.',
  FER_BRIDGE_LEDGER: 'The ledger of a bridge does not balance.',

  // --- console
  FER_CONSOLE_PORT_IN_USE: 'Another program listens on the port of the web console.',
  FER_CONSOLE_LISTEN: 'The web console cannot listen on the address or port it was given.',
  FER_CONSOLE_CERTIFICATE: 'The certificate or key of the web console cannot be read, does not fit, or could not be made.',
  FER_CONSOLE_STOPPED: 'The web console has not been started or has been stopped.',
  FER_CONSOLE_UNCLAIMED: 'The gateway has no administrator yet; it must be claimed with its setup code first.',
  FER_CONSOLE_CLAIMED: 'The gateway has been claimed already.',
  FER_CONSOLE_SETUP_CODE: 'The setup code is wrong.',
  FER_CONSOLE_LOGIN_REQUIRED: 'The request needs a login, or the login has ended.',
  FER_CONSOLE_LOGIN_FAILED: 'User name or password is wrong.',
  FER_CONSOLE_FORBIDDEN: 'The role of the account does not allow this.',
  FER_CONSOLE_CSRF: 'A changing request came without the token of its login, or from a page of another origin.',
  FER_CONSOLE_TOO_MANY_ATTEMPTS: 'Too many wrong codes or passwords; the next attempt has to wait.',
  FER_CONSOLE_TOO_MANY_REQUESTS: 'Too many requests in a short time.',
  FER_CONSOLE_TOO_MANY_STREAMS: 'Too many live streams are open.',
  FER_CONSOLE_NOT_FOUND: 'There is no such thing at this address.',
  FER_CONSOLE_INVALID: 'The request does not have the form that the API asks for.',
  FER_CONSOLE_MEDIA_TYPE: 'The body of the request has a type that the API does not understand.',
  FER_CONSOLE_TOO_LARGE: 'The body of the request is too large.',

  // --- cli
  FER_CLI_USAGE: 'The command line names an unknown command or option.',
  FER_CLI_IN_USE: 'A port or host is used by a bus of the running gateway.',
  FER_CLI_GATEWAY: 'The running gateway can not be asked by a command.',
  FER_CLI_START: 'The gateway can not start.',
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
    const place = formatPlace(isSaid(this) ? {} : this.where);
    return `${place === '' ? '' : `${place}: `}${this.message}${this.hint === undefined ? '' : ` ${this.hint}`} [${this.code}]`;
  }
}

/** Whether the message says by itself what it is about: it is said once. */
function isSaid({ where, message }: FerruleError): boolean {
  return where?.subject !== undefined && where.file === undefined && names(message, where.subject);
}

/** Whether a text names a subject: begins with it, or has it as whole words (short ones may be words of the text by chance). */
export function names(text: string, subject: string): boolean {
  const least = 3;
  for (let at = text.indexOf(subject); at !== -1; at = text.indexOf(subject, at + 1)) {
    const isWhole = !/[\p{L}\p{N}_]/u.test(`${text[at - 1] ?? ''}${text[at + subject.length] ?? ''}`);
    if (isWhole && (at === 0 || subject.length >= least)) return subject !== '';
  }
  return false;
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

import type { Clock } from '../clock.js';
import { type ErrorCode, FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Message } from '../mqtt/message.js';
import type { MessagingPort, TagJson } from './ports.js';
import type { Publisher } from './publisher.js';
import { SetRequests } from './set-requests.js';
import { parseSet, type Topics } from './topics.js';

type Write = (device: string, tag: string, value: TagJson) => Promise<{ value: TagJson }>;

interface Target {
  device: string;
  tag: string;
}

/**
 * What is known of the device after a write that failed: `none`: nothing was written; `unknown`: it may have been;
 * `different`: the device holds another value than was asked for.
 */
type Outcome = 'none' | 'unknown' | 'different';

type Result = { ok: true; v: TagJson } | { ok: false; error: string; code: ErrorCode; outcome: Outcome };

const OUTCOMES: Partial<Record<ErrorCode, Outcome>> = {
  FER_FIELD_WRITE_UNCONFIRMED: 'unknown',
  FER_INTERNAL: 'unknown',
  FER_FIELD_READ_BACK: 'different',
};

function failed(code: ErrorCode, error: string): Result {
  return { ok: false, error, code, outcome: OUTCOMES[code] ?? 'none' };
}

/** Takes writes from the set topics; answers on `.../set/result` and on the response topic of an MQTT 5 message. */
export class SetTopics {
  readonly #messaging: MessagingPort;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #write: Write;
  readonly #requests: SetRequests<Result>;
  #targets = new Map<string, Target>();
  #devices: ReadonlySet<string> = new Set();
  #topics: Topics | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(messaging: MessagingPort, publisher: Publisher, clock: Clock, log: Logger, write: Write) {
    this.#messaging = messaging;
    this.#publisher = publisher;
    this.#log = log;
    this.#write = write;
    this.#requests = new SetRequests(clock, (result) => result.ok || result.outcome !== 'none');
  }

  /** Listens for these tags from now on, instead of the ones before. */
  open(topics: Topics, targets: readonly Target[]): void {
    this.close();
    this.#topics = topics;
    this.#devices = new Set(targets.map(({ device }) => device));
    this.#targets = new Map(targets.map((target) => [topics.set(target.device, target.tag), target]));
    this.#unsubscribe = this.#messaging.subscribe(topics.setFilter, (message) => void this.#onMessage(message));
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  async #onMessage(message: Message): Promise<void> {
    const target = this.#targets.get(message.topic);
    // An empty message is how a retained one is cleared.
    if (target === undefined || (message.retain && message.payload.length === 0)) return;
    const request = parseSet(message.payload);
    // It would be carried out again at every start: a command of yesterday.
    if (message.retain) this.#refuse(message, 'Retained messages are not carried out. Publish without the retain flag.');
    else if ('problem' in request) this.#refuse(message, `Nothing was written: ${request.problem}.`);
    else {
      const { id, value } = request;
      const { result, isRepeated } = await this.#requests.once(message.topic, id, value, () => this.#carryOut(target, value));
      this.#answer(message, { ...result, ...(id === null ? {} : { id }), ...(isRepeated ? { repeated: true } : {}) });
    }
  }

  #refuse(message: Message, error: string): void {
    const request = parseSet(message.payload);
    const id = 'problem' in request ? null : request.id;
    this.#answer(message, { ...failed('FER_FIELD_BAD_REQUEST', error), ...(id === null ? {} : { id }) });
  }

  async #carryOut({ device, tag }: Target, value: TagJson): Promise<Result> {
    try {
      const written = await this.#write(device, tag, value);
      this.#log.info({ device, tag, value }, 'written');
      return { ok: true, v: written.value };
    } catch (thrown) {
      const code = thrown instanceof FerruleError ? thrown.code : 'FER_INTERNAL';
      this.#log.warn({ device, tag, value, code, error: messageOf(thrown) }, 'not written');
      const hint = thrown instanceof FerruleError && thrown.hint !== undefined ? ` ${thrown.hint}` : '';
      return failed(code, messageOf(thrown) + hint);
    }
  }

  #answer(message: Message, answer: Record<string, unknown>): void {
    const payload = Buffer.from(JSON.stringify(answer));
    this.#publisher.publish(`${message.topic}/result`, payload, false, () => {});
    const { responseTopic, correlationData } = message.properties ?? {};
    if (responseTopic === undefined || responseTopic === '') return;
    // An answer there would be taken for a value or a command, of a device that its sender may have no right to.
    if (/[+#]/.test(responseTopic) || responseTopic.startsWith('$') || this.#topics?.isOwn(responseTopic, this.#devices) !== false) {
      this.#log.warn({ topic: message.topic, responseTopic }, 'no answer is given on this response topic');
      return;
    }
    this.#publisher.publish(responseTopic, payload, false, () => {}, correlationData === undefined ? null : { correlationData });
  }
}

import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Message } from '../mqtt/message.js';
import type { MessagingPort, TagJson } from './ports.js';
import type { Publisher } from './publisher.js';
import { parseSet, type Topics } from './topics.js';

type Write = (device: string, tag: string, value: TagJson) => Promise<{ value: TagJson }>;

interface Target {
  device: string;
  tag: string;
}

type Result = { ok: true; v: TagJson } | { ok: false; error: string; code: string };

/** Takes writes from the set topics; answers on `.../set/result` and on the response topic of an MQTT 5 message. */
export class SetTopics {
  readonly #messaging: MessagingPort;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #write: Write;
  #targets = new Map<string, Target>();
  #unsubscribe: (() => void) | null = null;

  constructor(messaging: MessagingPort, publisher: Publisher, log: Logger, write: Write) {
    this.#messaging = messaging;
    this.#publisher = publisher;
    this.#log = log;
    this.#write = write;
  }

  /** Listens for these tags from now on, instead of the ones before. */
  open(topics: Topics, targets: readonly Target[]): void {
    this.close();
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
    let result: Result;
    if (message.retain) {
      // It would be carried out again at every start: a command of yesterday.
      result = {
        ok: false,
        error: 'Retained messages are not carried out. Publish without the retain flag.',
        code: 'FER_FIELD_BAD_REQUEST',
      };
    } else if ('problem' in request) {
      result = { ok: false, error: `Nothing was written: ${request.problem}.`, code: 'FER_FIELD_BAD_REQUEST' };
    } else result = await this.#carryOut(target, request.value);
    this.#answer(message, result, 'problem' in request ? null : request.id);
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
      return { ok: false, error: messageOf(thrown) + hint, code };
    }
  }

  #answer(message: Message, result: Result, id: string | number | null): void {
    const payload = Buffer.from(JSON.stringify(id === null ? result : { ...result, id }));
    this.#publisher.publish(`${message.topic}/result`, payload, false, () => {});
    const { responseTopic, correlationData } = message.properties ?? {};
    if (responseTopic === undefined || responseTopic === '' || /[+#]/.test(responseTopic)) return;
    this.#publisher.publish(responseTopic, payload, false, () => {}, correlationData === undefined ? null : { correlationData });
  }
}

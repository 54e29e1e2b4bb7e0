import { FerruleError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Message } from '../../mqtt/message.js';
import { type Answer, answerOf } from '../commands/answer.js';
import { type Device, type DeviceContext, DeviceRecord } from '../device.js';
import type { DeviceStatus } from '../ports.js';
import { ONCE } from '../publisher.js';
import type { SerialBus } from './bus.js';
import { FrameReader } from './frame-reader.js';
import type { Frame } from './framing.js';
import { lineStatus } from './line-status.js';
import { type RawConfig, rawTopics } from './raw-topics.js';

/**
 * A line in raw mode: what comes is published, what is published on its `tx` topic is sent, at once or never. The answer
 * on `.../result` says that the port took it, not that somebody heard it.
 */
export class RawDevice implements Device {
  readonly record: DeviceRecord;
  readonly #config: RawConfig;
  readonly #bus: SerialBus;
  readonly #context: DeviceContext;
  readonly #log: Logger;
  readonly #reader: FrameReader;
  readonly #topics: { rx: string; tx: string | null };
  readonly #counters = { requests: 0, answers: 0, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
  #unlisten: (() => void) | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(config: RawConfig, bus: SerialBus, context: DeviceContext, log: Logger) {
    this.#config = config;
    this.#bus = bus;
    this.#context = context;
    this.#log = log;
    this.#topics = rawTopics(config);
    this.#reader = new FrameReader(config, context.clock, (frame) => this.#onFrame(frame));
    this.record = new DeviceRecord(config.name, [], context);
  }

  start(): void {
    if (this.#unlisten !== null) return;
    this.#unlisten = this.#bus.listen({
      up: () => this.#onUp(),
      down: (error) => {
        this.#reader.closed();
        this.record.setState('offline', error.message);
      },
      data: (chunk) => this.#reader.data(chunk),
    });
    // The port may be open already: what comes next may be the rest of a frame, as after opening.
    if (this.#bus.isUp) this.#onUp();
    const { tx } = this.#topics;
    if (tx !== null) this.#unsubscribe = this.#context.messaging.subscribe(tx, (message) => this.#onMessage(message));
  }

  stop(): Promise<void> {
    if (this.#unlisten === null) return Promise.resolve();
    this.#unlisten();
    this.#unlisten = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#reader.stop();
    this.record.retire('stopped');
    return Promise.resolve();
  }

  status(): DeviceStatus {
    return lineStatus(this.#config, this.record, this.#reader, this.#counters);
  }

  write(tag: string): Promise<never> {
    const subject = `${this.#config.name}/${tag}`;
    return Promise.reject(
      new FerruleError('FER_FIELD_UNKNOWN_TAG', `${this.#config.name} is in raw mode: it has no tags.`, { where: { subject } }),
    );
  }

  /** Whether anybody is at the other end is not known in raw mode: a device that only listens never says anything. */
  #onUp(): void {
    this.#reader.opened();
    this.record.setState('online', null);
  }

  #onFrame({ bytes }: Frame): void {
    this.#counters.answers++;
    const payload = this.#config.decode.payload === 'hex' ? Buffer.from(bytes.toString('hex')) : Buffer.from(bytes);
    this.#context.publisher.publish(this.#topics.rx, payload, false, ONCE);
  }

  #onMessage(message: Message): void {
    // An empty message is how a retained one is cleared.
    if (message.payload.length === 0) return;
    const { commands } = this.#context;
    if (!message.retain) {
      commands.take({ message, id: null, asked: '', carryOut: () => Promise.resolve(this.#carryOut(message)) });
      return;
    }
    // It would be sent again at every start.
    this.#counters.exceptions++;
    commands.refuse(message, null, 'Retained messages are not sent. Publish without the retain flag.');
  }

  #carryOut({ payload }: Message): Answer {
    try {
      const bytes = this.#send(payload);
      this.#counters.requests++;
      this.#log.info({ device: this.#config.name, bytes }, 'sent');
      return { ok: true, bytes };
    } catch (thrown) {
      const answer = answerOf(thrown);
      const code = answer.ok ? null : answer.code;
      this.#counters.exceptions++;
      this.#log.warn({ device: this.#config.name, code, error: messageOf(thrown) }, 'not sent');
      return answer;
    }
  }

  #send(payload: Buffer): number {
    const { decode } = this.#config;
    const bytes = decode.payload === 'hex' ? fromHex(payload.toString('latin1')) : payload;
    if (bytes === null) throw new FerruleError('FER_FIELD_BAD_REQUEST', 'Nothing was sent: the message is not hexadecimal.');
    if (bytes.length > decode.max_send) {
      throw new FerruleError(
        'FER_FIELD_BAD_REQUEST',
        `Nothing was sent: ${bytes.length} bytes are more than max_send (${decode.max_send}).`,
      );
    }
    if (!this.#bus.send(bytes)) {
      const { lastError } = this.#bus.status();
      const why = lastError ?? 'the line is busy, or somebody uses it from a terminal';
      throw new FerruleError('FER_FIELD_NO_ANSWER', `Nothing was sent, and will not be later: ${why}.`);
    }
    return bytes.length;
  }
}

function fromHex(text: string): Buffer | null {
  const digits = text.replace(/\s+/g, '');
  return digits.length > 0 && digits.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(digits) ? Buffer.from(digits, 'hex') : null;
}

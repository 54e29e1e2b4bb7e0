import type { Logger } from '../log.js';
import type { Message } from '../mqtt/message.js';
import { type Answer, answerOf } from './commands/answer.js';
import type { Commands } from './commands/commands.js';
import type { MessagingPort, TagJson } from './ports.js';
import { parseSet, type Topics } from './topics.js';

type Write = (device: string, tag: string, value: TagJson, by: string) => Promise<{ value: TagJson }>;

interface Target {
  device: string;
  tag: string;
}

/** Takes writes from the set topics. */
export class SetTopics {
  readonly #messaging: MessagingPort;
  readonly #commands: Commands;
  readonly #log: Logger;
  readonly #write: Write;
  #targets = new Map<string, Target>();
  #topics: Topics | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(messaging: MessagingPort, commands: Commands, log: Logger, write: Write) {
    this.#messaging = messaging;
    this.#commands = commands;
    this.#log = log;
    this.#write = write;
  }

  /** Listens for these tags from now on, instead of the ones before. */
  open(topics: Topics, targets: readonly Target[]): void {
    this.close();
    this.#topics = topics;
    this.#targets = new Map(targets.map((target) => [topics.set(target.device, target.tag), target]));
    this.#unsubscribe = this.#messaging.subscribe(topics.setFilter, (message) => this.#onMessage(message));
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #onMessage(message: Message): void {
    // An empty message is how a retained one is cleared.
    if (message.retain && message.payload.length === 0) return;
    const target = this.#targets.get(message.topic);
    // The filter has whole levels only: it may match what is no set topic.
    if (target === undefined && this.#topics?.isSet(message.topic) !== true) return;
    const request = parseSet(message.payload);
    const id = 'problem' in request ? null : request.id;
    if (target === undefined) {
      this.#log.warn(
        { topic: message.topic, client: message.sender?.clientId },
        'nothing can be set with this topic: there is no such tag',
      );
      this.#commands.refuse(message, id, 'Nothing was written: there is no such tag. Compare the names.', 'FER_FIELD_UNKNOWN_TAG');
      return;
    }
    // It would be carried out again at every start: a command of yesterday.
    if (message.retain) this.#commands.refuse(message, id, 'Retained messages are not carried out. Publish without the retain flag.');
    else if ('problem' in request) this.#commands.refuse(message, id, `Nothing was written: ${request.problem}.`);
    else {
      const { value } = request;
      this.#commands.take({ message, id, asked: JSON.stringify(value), carryOut: () => this.#carryOut(target, value, senderOf(message)) });
    }
  }

  async #carryOut({ device, tag }: Target, value: TagJson, by: string): Promise<Answer> {
    try {
      const written = await this.#write(device, tag, value, by);
      return { ok: true, v: written.value };
    } catch (thrown) {
      return answerOf(thrown);
    }
  }
}

/** As the log names who sent a message. */
function senderOf({ sender }: Message): string {
  if (sender === undefined) return 'the gateway itself';
  return `MQTT client ${sender.clientId}${sender.username === null ? '' : ` (${sender.username})`}`;
}

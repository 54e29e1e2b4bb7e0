import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.js';
import type { ErrorCode } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Message, Sender } from '../../mqtt/message.js';
import type { DocumentPort } from '../ports.js';
import { ONCE, type Publisher } from '../publisher.js';
import { type Answer, failed, interrupted } from './answer.js';
import { Deliveries } from './deliveries.js';
import { CommandJournal, type Delivery, type NotedCommand } from './journal.js';
import { Requests } from './requests.js';

export interface Command {
  message: Message;
  /** Given by the sender to tell its requests apart; null: none. */
  id: string | number | null;
  /** What is asked for, where the id alone does not tell it. */
  asked: string;
  /** Never rejects. */
  carryOut(): Promise<Answer>;
}

/** Longer ids and values are known by their digest. */
const MAX_KEPT = 64;

/**
 * What all commands have in common, whatever they are for: none is carried out twice because it was delivered twice, each is
 * answered on `.../result` and on its response topic, and nobody is answered where he may not publish himself.
 */
export class Commands {
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #journal: CommandJournal;
  readonly #deliveries: Deliveries;
  readonly #requests: Requests;
  #isOwn: (topic: string) => boolean = () => false;
  #isLoaded = false;
  /** Commands are begun in the order in which they came, also where one has to be noted first and the next has not. */
  #order: Promise<unknown> = Promise.resolve();

  constructor(publisher: Publisher, documents: DocumentPort | null, clock: Clock, log: Logger) {
    this.#publisher = publisher;
    this.#clock = clock;
    this.#log = log;
    this.#journal = new CommandJournal(documents, clock, log);
    this.#deliveries = new Deliveries(clock);
    this.#requests = new Requests(clock);
  }

  /** Takes up what earlier runs noted. Before the first command. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (const { at, topic, payload, delivery, id, asked, answer } of await this.#journal.load()) {
      const known = answer ?? interrupted();
      // A clock that was never set makes everything new: rather too much is remembered than too little.
      const ageMs = Math.max(0, this.#clock.now() - at);
      if (id !== null) this.#requests.restore(topic, id, asked, known, ageMs);
      if (delivery !== null)
        this.#deliveries.remember(delivery, whatOf(topic, payload), { heardUntil: null }, Promise.resolve(known), ageMs);
    }
  }

  /** Topics of the devices: an answer there would be taken for a value or a command. */
  keepOff(isOwn: (topic: string) => boolean): void {
    this.#isOwn = isOwn;
  }

  take(command: Command): void {
    this.#whenAllowed(command.message, command.id, () => void this.#once(command));
  }

  /** Answers what is no command that could be carried out. */
  refuse(message: Message, id: string | number | null, error: string, code: ErrorCode = 'FER_FIELD_BAD_REQUEST'): void {
    this.#whenAllowed(message, id, () => this.#answer(message, id, failed(code, error), false));
  }

  async #once({ message, id, asked, carryOut }: Command): Promise<void> {
    const { topic, payload, sender } = message;
    const delivery = sender === undefined ? null : deliveryOf(sender);
    const noted: NotedCommand = {
      at: this.#clock.now(),
      topic,
      payload: delivery === null ? '' : digest(payload),
      delivery,
      id: id === null ? null : shortened(JSON.stringify(id)),
      asked: shortened(asked),
    };
    const what = whatOf(topic, noted.payload);
    const before = delivery !== null && sender?.isDup === true ? this.#deliveries.answerTo(delivery, what) : null;
    if (before !== null) {
      const answer = await before;
      this.#log.info({ topic, client: sender?.clientId }, 'a command that was sent again was not carried out again');
      this.#answer(message, id, answer, true);
      return;
    }
    const outcome = this.#requests.once(topic, noted.id, noted.asked, () => this.#carryOut(noted, carryOut));
    if (delivery !== null && sender !== undefined) {
      const known = outcome.then(({ answer }) => answer);
      this.#deliveries.remember(delivery, what, sender.connection, known);
    }
    const { answer, isRepeated } = await outcome;
    this.#answer(message, id, answer, isRepeated);
  }

  async #carryOut(noted: NotedCommand, carryOut: () => Promise<Answer>): Promise<Answer> {
    // What can't come again need not be known after a restart.
    const entry = noted.delivery === null && noted.id === null ? null : this.#journal.begin(noted);
    const turn = this.#order.then(() => entry);
    this.#order = turn;
    const begun = await turn;
    const answer = await carryOut();
    begun?.end(answer);
    return answer;
  }

  /** Goes on where the sender may publish to the response topic; elsewhere nothing is done but say so. */
  #whenAllowed(message: Message, id: string | number | null, goOn: () => void): void {
    const responseTopic = this.#responseTopicOf(message);
    const decide = (isAllowed: boolean): void => {
      if (isAllowed) goOn();
      else this.#refuseResponse(message, id);
    };
    if (responseTopic === null || message.sender === undefined) {
      goOn();
      return;
    }
    const verdict = message.sender.mayPublish(responseTopic);
    if (typeof verdict === 'boolean') decide(verdict);
    else void verdict.then(decide);
  }

  #refuseResponse(message: Message, id: string | number | null): void {
    const { topic, sender, properties } = message;
    const responseTopic = properties?.responseTopic;
    const { clientId: client, username } = sender ?? {};
    this.#log.warn({ topic, client, username, responseTopic }, 'a command was refused: its sender may not publish to its response topic');
    const error = `Nothing was done: the sender may not publish to the response topic ${JSON.stringify(responseTopic)}. Name another one, or none.`;
    this.#publish(`${topic}/result`, id, failed('FER_FIELD_RESPONSE_TOPIC', error), false, null);
  }

  /** Where an answer is asked for beside `.../result`; null: nowhere, or where it would do harm. */
  #responseTopicOf({ properties, retain }: Message): string | null {
    const responseTopic = properties?.responseTopic;
    // Nobody waits for the answer to a command of yesterday, and who sent it is not known any more.
    if (responseTopic === undefined || responseTopic === '' || retain) return null;
    return /[+#]/.test(responseTopic) || responseTopic.startsWith('$') || this.#isOwn(responseTopic) ? null : responseTopic;
  }

  #answer(message: Message, id: string | number | null, answer: Answer, isRepeated: boolean): void {
    const { topic, properties, retain } = message;
    this.#publish(`${topic}/result`, id, answer, isRepeated, null);
    const responseTopic = this.#responseTopicOf(message);
    if (responseTopic !== null) this.#publish(responseTopic, id, answer, isRepeated, message);
    else if (properties?.responseTopic !== undefined && !retain)
      this.#log.warn({ topic, responseTopic: properties.responseTopic }, 'no answer is given on this response topic');
  }

  #publish(topic: string, id: string | number | null, answer: Answer, isRepeated: boolean, request: Message | null): void {
    const full = { ...answer, ...(id === null ? {} : { id }), ...(isRepeated ? { repeated: true } : {}) };
    const correlationData = request?.properties?.correlationData;
    const properties = correlationData === undefined ? null : { correlationData };
    this.#publisher.publish(topic, Buffer.from(JSON.stringify(full)), false, ONCE, properties);
  }
}

/** null: at QoS 0 nothing comes again. */
function deliveryOf({ clientId, username, packetId }: Sender): Delivery | null {
  return packetId === 0 ? null : { sender: shortened(JSON.stringify([clientId, username])), packetId };
}

function whatOf(topic: string, payload: string): string {
  return `${payload} ${topic}`;
}

function shortened(text: string): string {
  return text.length <= MAX_KEPT ? text : digest(text);
}

function digest(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('base64url');
}

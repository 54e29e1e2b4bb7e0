import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { Random } from '../mqtt/random.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor, waitForNone } from '../support/wait-for.js';
import { TorturePublisher } from './torture-publisher.js';
import { TortureSubscriber } from './torture-subscriber.js';

export interface TortureReport {
  kills: number;
  acknowledged: number;
  delivered: number;
}

/** Kills the gateway under load, again and again, and asserts after each time that nothing acknowledged was lost. */
export async function torture(t: TestContext, rounds: number, seed: number): Promise<TortureReport> {
  const random = new Random(seed);
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  const run = new Torture(gateway, random);
  t.after(() => run.stop());
  await run.begin();
  for (let round = 1; round <= rounds; round++) {
    await run.round();
    // Between, backlogs outlive several crashes.
    if (round === rounds || random.below(3) === 0) await run.settle();
  }
  return { kills: rounds, ...run.numbers() };
}

interface Outstanding {
  subscriber: TortureSubscriber;
  topic: string;
  number: number;
}

class Torture {
  readonly #gateway: GatewayProcess;
  readonly #random: Random;
  readonly #publishers: TorturePublisher[];
  readonly #retaining: TorturePublisher;
  readonly #subscribers: TortureSubscriber[];
  #trouble: NodeJS.Timeout | null = null;

  constructor(gateway: GatewayProcess, random: Random) {
    this.#gateway = gateway;
    this.#random = random;
    const port = gateway.mqttPort;
    const own = (): Random => new Random(random.below(2 ** 31));
    this.#publishers = [0, 1, 2].map((i) => new TorturePublisher(`p${i}`, port, own(), [`t/p${i}/a`, `t/p${i}/b`], false));
    this.#retaining = new TorturePublisher('pr', port, own(), ['r/a', 'r/b', 'r/c'], true);
    const habits = (slow: boolean, qos: 1 | 2) => ({ filter: 't/#', qos, slow });
    this.#subscribers = [
      new TortureSubscriber('quick', port, own(), habits(false, 2)),
      new TortureSubscriber('slow', port, own(), habits(true, 2)),
      new TortureSubscriber('once', port, own(), habits(true, 1)),
      new TortureSubscriber('away', port, own(), habits(false, 2)),
    ];
  }

  get #senders(): TorturePublisher[] {
    return [...this.#publishers, this.#retaining];
  }

  get #away(): TortureSubscriber {
    return this.#subscribers.at(-1)!;
  }

  /** Everybody has subscribed before anything is published. */
  async begin(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.start();
    await waitFor(() => this.#subscribers.every(({ subscribed }) => subscribed), { message: 'all subscriptions' });
    for (const sender of this.#senders) sender.start();
    this.#trouble = setInterval(() => this.#disturb(), 120);
  }

  /** Load, a kill at some moment of it, and the start after it. */
  async round(): Promise<void> {
    if (this.#random.below(2) === 0) this.#away.stop();
    for (const sender of this.#senders) sender.go();
    await sleep(100 + this.#random.below(700));
    await this.#gateway.kill();
    const marks = this.#retainedMarks();
    await this.#gateway.start();
    await this.#checkRetained(marks);
    this.#checkFaults();
  }

  /** Nobody sends anything new; everything acknowledged must have arrived everywhere. */
  async settle(): Promise<void> {
    for (const sender of this.#senders) sender.pause();
    this.#away.start();
    await waitFor(() => this.#senders.every(({ isSettled }) => isSettled), { timeout: 20_000, message: 'all acknowledgements' });
    // How long a backlog takes is not the question: a slow subscriber has a pace of its own. That it never stands still is.
    let missing = this.#outstanding();
    await waitForNone(
      () => {
        missing = missing.filter(({ subscriber, topic, number }) => !subscriber.has(topic, number));
        return missing.length;
      },
      () =>
        missing
          .slice(0, 5)
          .map(({ subscriber, topic, number }) => `${subscriber.id} lacks ${topic} ${number}`)
          .join('; '),
    );
    await this.#checkRetained(this.#retainedMarks());
    this.#checkFaults();
  }

  stop(): void {
    if (this.#trouble !== null) clearInterval(this.#trouble);
    for (const client of [...this.#senders, ...this.#subscribers]) client.stop();
  }

  numbers(): { acknowledged: number; delivered: number } {
    const acknowledged = this.#senders.reduce((sum, sender) => sum + sender.acknowledged.length, 0);
    const delivered = this.#subscribers.reduce((sum, { counts }) => sum + counts.size, 0);
    return { acknowledged, delivered };
  }

  #disturb(): void {
    const client = this.#random.pick([...this.#senders, ...this.#subscribers]);
    if (this.#random.below(2) === 0) client.takeOver();
    else client.drop();
  }

  /** What was acknowledged and has not come, in the order of its acknowledgements. */
  #outstanding(): Outstanding[] {
    const outstanding: Outstanding[] = [];
    for (const { acknowledged } of this.#publishers) {
      for (const { topic, number } of acknowledged) {
        for (const subscriber of this.#subscribers) {
          if (!subscriber.has(topic, number)) outstanding.push({ subscriber, topic, number });
        }
      }
    }
    return outstanding;
  }

  #retainedMarks(): Map<string, number> {
    return new Map(this.#retaining.topics.map((topic) => [topic, this.#retaining.history(topic).mark]));
  }

  /** What is retained must be what was last acknowledged when the marks were set, or something that was sent later. */
  async #checkRetained(marks: Map<string, number>): Promise<void> {
    const reader = await RawClient.open(this.#gateway.mqttPort);
    await reader.subscribe('r/#', 1);
    await reader.ping();
    const found = new Map(reader.messages.filter(({ retain }) => retain).map(({ topic, payload }) => [topic, payload.toString()]));
    await reader.close();
    for (const [topic, mark] of marks) {
      const text = found.get(topic) ?? '';
      const history = this.#retaining.history(topic);
      assert.ok(history.possible(mark).includes(text), `${topic} is retained as ${JSON.stringify(text.slice(0, 20))} after ${history}`);
    }
  }

  #checkFaults(): void {
    const faults = [...this.#senders, ...this.#subscribers].flatMap((client) => client.faults);
    assert.deepEqual(faults.slice(0, 10), []);
  }
}

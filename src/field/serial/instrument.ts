import type { Clock, Timer } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Device, type DeviceContext, DeviceRecord } from '../device.js';
import { freshFor } from '../freshness.js';
import type { DeviceStatus, UnitCounters } from '../ports.js';
import { ScanScheduler } from '../scheduler.js';
import type { SerialBus } from './bus.js';
import { createDecoder, type Decoder } from './decode.js';
import { FrameReader } from './frame-reader.js';
import type { Frame } from './framing.js';
import { lineStatus } from './line-status.js';
import { type DecodeConfig, FRAME_GROUP, type InstrumentConfig, instrumentFields } from './schema.js';

export type DecodedConfig = InstrumentConfig & { decode: Exclude<DecodeConfig, { type: 'raw' }> };

const MAX_LOGGED_FRAME = 120;

/** A serial instrument: it is asked, or listened to; frames become tags. */
export class Instrument implements Device {
  readonly record: DeviceRecord;
  readonly #config: DecodedConfig;
  readonly #bus: SerialBus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #reader: FrameReader;
  readonly #decode: Decoder;
  readonly #scheduler: ScanScheduler;
  readonly #counters: UnitCounters = { requests: 0, answers: 0, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
  #latency: number | null = null;
  #isRunning = false;
  #unlisten: (() => void) | null = null;
  /** Values that come together, by the sentence they are in; silence makes those of one stale. */
  readonly #parts: ReadonlyMap<string, readonly string[]>;
  readonly #silences = new Map<string, Timer>();
  /** Until when (monotonic) the answer to a poll that timed out may still come. */
  #lateUntil = Number.NEGATIVE_INFINITY;
  /** Ends the wait for it. */
  #lateHeard: (() => void) | null = null;
  /** Ends the poll that is under way, with a usable frame or not. */
  #answered: ((frame: boolean) => void) | null = null;

  constructor(config: DecodedConfig, bus: SerialBus, context: DeviceContext, log: Logger) {
    this.#config = config;
    this.#bus = bus;
    this.#clock = context.clock;
    this.#log = log;
    this.#reader = new FrameReader(config, context.clock, (frame) => this.#onFrame(frame));
    this.#decode = createDecoder(config.decode);
    this.#parts = partsOf(config);
    const { request } = config;
    // Where an answer holds only some of the values, stale_after says how old the others may become.
    const freshForMs = request === undefined || this.#parts.size > 1 ? undefined : freshFor(request.every, request.timeout);
    const plans = instrumentFields(config).map((field) => ({
      config: field,
      type: field.type,
      writable: false,
      isNumeric: (field.type === 'float' || field.type === 'int') && field.enum === undefined,
      group: FRAME_GROUP,
      ...(freshForMs === undefined ? {} : { freshForMs }),
    }));
    this.record = new DeviceRecord(config.name, plans, context);
    this.#scheduler = new ScanScheduler(context.clock);
    if (config.request !== undefined) this.#scheduler.add('poll', config.request.every, () => this.#poll());
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#unlisten = this.#bus.listen({
      up: () => this.#onUp(),
      down: (error) => this.#onDown(error),
      data: (chunk) => this.#reader.data(chunk),
    });
    this.#scheduler.start();
    // The port may be open already: what comes next may be the rest of a frame, as after opening.
    if (this.#bus.isUp) this.#onUp();
    else this.#listenForAll();
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#unlisten?.();
    for (const timer of this.#silences.values()) timer.cancel();
    this.#silences.clear();
    this.#reader.stop();
    this.#answered?.(false);
    this.#lateHeard?.();
    this.record.retire('stopped');
    await this.#scheduler.stop();
  }

  status(): DeviceStatus {
    const status = lineStatus(this.#config, this.record, this.#reader, this.#counters);
    return { ...status, latency: this.#latency, scans: this.#scheduler.status };
  }

  write(tag: string): Promise<never> {
    const subject = `${this.#config.name}/${tag}`;
    return Promise.reject(
      new FerruleError('FER_FIELD_READ_ONLY', `${subject} may not be written: instruments are read.`, { where: { subject } }),
    );
  }

  #onUp(): void {
    this.#reader.opened();
    this.#lateUntil = Number.NEGATIVE_INFINITY;
    if (this.#config.request === undefined) this.#forgetLoss();
    this.#scheduler.kick();
    this.#listenForAll();
  }

  /** Of one that is listened to, the line is all that was lost: it may be long before it says something again. */
  #forgetLoss(): void {
    const changed = [...this.record.tags.values()].filter((tag) => tag.sample.reason === 'bus_down');
    for (const tag of changed) tag.fail(tag.sample.ts === null ? 'bad' : 'stale', 'not_read_yet');
    if (changed.length > 0) this.record.changed(changed.map(({ name }) => name));
    if (this.record.state.state === 'offline') this.record.setState('unknown', null);
  }

  #onDown(error: Error): void {
    this.#reader.closed();
    this.#answered?.(false);
    this.#lateHeard?.();
    this.#fail('bad', 'bus_down', error.message);
  }

  #onFrame(frame: Frame): void {
    if (this.#config.request !== undefined && this.#answered === null) {
      // Nobody asked, or the answer is late: whose time it has is not known.
      this.#counters.late++;
      this.#lateHeard?.();
      this.#lateUntil = Number.NEGATIVE_INFINITY;
      return;
    }
    const ts = this.#clock.now();
    const decoded = this.#decode(frame, ts);
    if ('problem' in decoded) {
      this.#reader.unreadable(frame, decoded.problem);
      const shown = frame.bytes.subarray(0, MAX_LOGGED_FRAME).toString('latin1');
      this.#log.debug({ device: this.#config.name, frame: shown }, `a frame was dropped: ${decoded.problem}`);
      return;
    }
    const [first] = decoded.readings;
    // A sentence of which nothing is wanted.
    if (first === undefined) return;
    this.#counters.answers++;
    const changed: string[] = [];
    for (const { field, reading } of decoded.readings) if (this.record.tag(field.name).update(reading, ts)) changed.push(field.name);
    if (changed.length > 0) this.record.changed(changed);
    this.#showState();
    this.#listenFor(partOf(first.field));
    this.#answered?.(true);
  }

  #showState(): void {
    const faulty = [...this.record.tags.values()].find(
      ({ quality, sample }) => quality === 'stale' || (quality === 'bad' && sample.reason !== 'not_read_yet'),
    );
    if (faulty === undefined) this.record.setState('online', null);
    else this.record.setState('degraded', `${faulty.name}: ${faulty.sample.reason ?? faulty.quality}`);
  }

  async #poll(): Promise<void> {
    const { request } = this.#config;
    await this.#late();
    if (request === undefined || !this.#isRunning || !this.#bus.isUp) return;
    const sentAt = this.#clock.mono();
    const badBefore = this.#reader.failures;
    this.#counters.requests++;
    this.#reader.ask();
    const isAnswered = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(false), request.timeout);
      this.#answered = (frame) => {
        timer.cancel();
        resolve(frame);
      };
      this.#bus.send(Buffer.from(request.poll, 'latin1'));
    });
    this.#answered = null;
    if (!this.#isRunning || !this.#bus.isUp) return;
    if (isAnswered) {
      const took = this.#clock.mono() - sentAt;
      this.#latency = this.#latency === null ? took : this.#latency + (took - this.#latency) / 8;
      return;
    }
    if (this.#reader.failures > badBefore) {
      this.#fail('bad', 'unreadable', 'the answer could not be read');
      return;
    }
    this.#counters.timeouts++;
    this.#lateUntil = this.#clock.mono() + request.timeout;
    this.#fail('bad', 'timeout', `no answer within ${request.timeout} ms`);
  }

  /**
   * The answer to a poll that timed out would be taken for the answer to the next one, and that one's for the answer to the
   * one behind it, all with a wrong time. So the next poll waits for it as long again.
   */
  async #late(): Promise<void> {
    const left = this.#lateUntil - this.#clock.mono();
    if (left <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, left);
      this.#lateHeard = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#lateHeard = null;
  }

  #listenForAll(): void {
    for (const part of this.#parts.keys()) this.#listenFor(part);
  }

  /** Silence for too long makes values stale. Where the instrument is asked, a timeout says so, but for what no answer has in it. */
  #listenFor(part: string): void {
    const { request, stale_after } = this.#config;
    if (stale_after === 0 || (request !== undefined && this.#parts.size === 1)) return;
    this.#silences.get(part)?.cancel();
    this.#silences.set(
      part,
      this.#clock.setTimeout(() => {
        if (this.#bus.isUp) this.#onSilence(part);
      }, stale_after),
    );
  }

  #onSilence(part: string): void {
    this.#failTags('stale', 'silent', this.#parts.get(part) ?? []);
    const isHeard = [...this.record.tags.values()].some(({ quality }) => quality === 'good' || quality === 'uncertain');
    const what = part === '' ? 'nothing' : `no ${part}`;
    this.record.setState(isHeard ? 'degraded' : 'offline', `${what} was heard for ${this.#config.stale_after} ms`);
  }

  #fail(quality: 'bad' | 'stale', reason: string, error: string): void {
    this.#failTags(quality, reason, [...this.record.tags.keys()]);
    this.record.setState('offline', error);
  }

  #failTags(quality: 'bad' | 'stale', reason: string, names: readonly string[]): void {
    const changed = names.filter((name) => {
      const tag = this.record.tag(name);
      return (quality === 'bad' || tag.quality !== 'bad') && tag.fail(quality, reason);
    });
    if (changed.length > 0) this.record.changed(changed);
  }
}

function partOf(field: object): string {
  return 'sentence' in field && typeof field.sentence === 'string' ? field.sentence : '';
}

function partsOf(config: InstrumentConfig): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  for (const field of instrumentFields(config)) {
    const part = partOf(field);
    parts.set(part, [...(parts.get(part) ?? []), field.name]);
  }
  return parts;
}

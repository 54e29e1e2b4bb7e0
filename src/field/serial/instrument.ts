import type { Clock, Timer } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Device, type DeviceContext, DeviceRecord } from '../device.js';
import { freshFor } from '../freshness.js';
import type { DeviceStatus, TagJson, UnitCounters } from '../ports.js';
import { ScanScheduler } from '../scheduler.js';
import type { SerialBus } from './bus.js';
import { FrameDecoder } from './decode.js';
import { DelimiterFramer } from './framing.js';
import type { InstrumentConfig } from './schema.js';

/**
 * Bytes that arrive this soon after opening may be the rest of a frame that had begun before: its beginning is missing
 * ("12.5kg" of "112.5kg"), so it is dropped. Where the line was silent for so long, a frame begins with the first byte.
 */
const MIDWAY_MS = 250;
const MAX_LOGGED_FRAME = 120;

/** A serial instrument: it is asked, or listened to; frames become tags. */
export class Instrument implements Device {
  readonly record: DeviceRecord;
  readonly #config: InstrumentConfig;
  readonly #bus: SerialBus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #framer: DelimiterFramer;
  readonly #decoder: FrameDecoder;
  readonly #scheduler: ScanScheduler;
  readonly #counters: UnitCounters = { requests: 0, answers: 0, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
  #latency: number | null = null;
  #isRunning = false;
  #unlisten: (() => void) | null = null;
  #silence: Timer | null = null;
  #midway: Timer | null = null;
  /** Ends the poll that is under way, with a usable frame or not. */
  #answered: ((frame: boolean) => void) | null = null;

  constructor(config: InstrumentConfig, bus: SerialBus, context: DeviceContext, log: Logger) {
    this.#config = config;
    this.#bus = bus;
    this.#clock = context.clock;
    this.#log = log;
    this.#framer = new DelimiterFramer(config.frame);
    this.#decoder = new FrameDecoder(config.decode);
    const { request } = config;
    const plans = config.decode.fields.map((field) => ({
      config: field,
      type: field.type,
      writable: false,
      isNumeric: (field.type === 'float' || field.type === 'int') && field.enum === undefined,
      group: 'frame',
      ...(request === undefined ? {} : { freshForMs: freshFor(request.every, request.timeout) }),
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
      data: (chunk) => this.#onData(chunk),
    });
    this.#scheduler.start();
    // The port may be open already: what comes next may be the rest of a frame, as after opening.
    if (this.#bus.isUp) this.#onUp();
    else this.#armSilence();
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#unlisten?.();
    this.#silence?.cancel();
    this.#midway?.cancel();
    this.#answered?.(false);
    this.record.retire('stopped');
    await this.#scheduler.stop();
  }

  status(): DeviceStatus {
    const { state, since, error } = this.record.state;
    return {
      name: this.#config.name,
      bus: this.#config.bus,
      kind: 'serial',
      unit: null,
      state,
      since,
      lastError: error,
      latency: this.#latency,
      counters: { ...this.#counters },
      scans: this.#scheduler.status,
      tags: [...this.record.tags.values()].map((tag) => tag.status),
    };
  }

  write(tag: string): Promise<{ value: TagJson }> {
    const subject = `${this.#config.name}/${tag}`;
    return Promise.reject(
      new FerruleError('FER_FIELD_READ_ONLY', `${subject} may not be written: instruments are read.`, { where: { subject } }),
    );
  }

  #onUp(): void {
    this.#framer.reset(true);
    this.#midway?.cancel();
    this.#midway = this.#clock.setTimeout(() => {
      this.#midway = null;
      this.#framer.synchronised();
    }, MIDWAY_MS);
    this.#scheduler.kick();
    this.#armSilence();
  }

  #onDown(error: Error): void {
    this.#midway?.cancel();
    this.#midway = null;
    this.#framer.reset(true);
    this.#answered?.(false);
    this.#fail('bad', 'bus_down', error.message);
  }

  #onData(chunk: Buffer): void {
    for (const frame of this.#framer.push(chunk)) this.#onFrame(frame);
  }

  #onFrame(frame: Buffer): void {
    if (this.#config.request !== undefined && this.#answered === null) {
      // Nobody asked, or the answer is late: whose time it has is not known.
      this.#counters.late++;
      return;
    }
    const decoded = this.#decoder.decode(frame);
    if ('problem' in decoded) {
      this.#counters.crcErrors++;
      const shown = frame.subarray(0, MAX_LOGGED_FRAME).toString('latin1');
      this.#log.debug({ device: this.#config.name, frame: shown }, `a frame was dropped: ${decoded.problem}`);
      return;
    }
    const ts = this.#clock.now();
    this.#counters.answers++;
    const changed: string[] = [];
    for (const { field, reading } of decoded.readings) if (this.record.tag(field.name).update(reading, ts)) changed.push(field.name);
    if (changed.length > 0) this.record.changed(changed);
    const faulty = decoded.readings.find(({ reading }) => reading.quality === 'bad');
    if (faulty === undefined) this.record.setState('online', null);
    else this.record.setState('degraded', `${faulty.field.name}: ${faulty.reading.reason}`);
    this.#armSilence();
    this.#answered?.(true);
  }

  async #poll(): Promise<void> {
    const { request } = this.#config;
    if (request === undefined || !this.#bus.isUp) return;
    const sentAt = this.#clock.mono();
    const badBefore = this.#counters.crcErrors;
    this.#counters.requests++;
    // What is in the buffer was sent before we asked.
    this.#framer.reset(false);
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
    if (this.#counters.crcErrors > badBefore) {
      this.#fail('bad', 'unreadable', 'the answer could not be read');
      return;
    }
    this.#counters.timeouts++;
    this.#fail('bad', 'timeout', `no answer within ${request.timeout} ms`);
  }

  /** Listening: silence for too long makes the values stale. */
  #armSilence(): void {
    if (this.#config.request !== undefined || this.#config.stale_after === 0) return;
    this.#silence?.cancel();
    this.#silence = this.#clock.setTimeout(() => {
      if (this.#bus.isUp) this.#fail('stale', 'silent', `nothing was heard for ${this.#config.stale_after} ms`);
    }, this.#config.stale_after);
  }

  #fail(quality: 'bad' | 'stale', reason: string, error: string): void {
    const changed: string[] = [];
    for (const tag of this.record.tags.values()) {
      if (quality === 'stale' && tag.quality === 'bad') continue;
      if (tag.fail(quality, reason)) changed.push(tag.name);
    }
    this.record.setState('offline', error);
    if (changed.length > 0) this.record.changed(changed);
  }
}

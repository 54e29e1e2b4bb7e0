import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Logins } from './logins.js';
import { createView, parseViewName, type View, type ViewSources } from './views.js';

export interface StreamLimits {
  /** Streams of all logins together. */
  maxStreams: number;
  maxStreamsPerLogin: number;
  maxViews: number;
  /** Bytes that may wait for one browser; more, and it is cut off. It connects again by itself and gets a new snapshot. */
  maxBuffered: number;
  heartbeatMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  maxStreams: 32,
  maxStreamsPerLogin: 8,
  maxViews: 16,
  maxBuffered: 2 * 1024 * 1024,
  heartbeatMs: 15_000,
};

/** A browser that has not taken a byte of what waits for it for so many heartbeats is gone. */
const MAX_STALLED_BEATS = 4;

interface Stream {
  loginId: string;
  response: ServerResponse;
  views: SharedView[];
  /** Bytes written so far, and how many of them the browser had taken at the last heartbeat. */
  written: number;
  taken: number;
  stalledBeats: number;
  close(): void;
}

/** One view that any number of streams watch: looked at once, serialised once. */
interface SharedView {
  name: string;
  view: View;
  streams: Set<Stream>;
  timer: Timer;
}

/** The live streams of all browsers (server-sent events). */
export class StreamHub {
  readonly #sources: ViewSources;
  readonly #logins: Logins;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: StreamLimits;
  readonly #streams = new Set<Stream>();
  readonly #views = new Map<string, SharedView>();
  #heartbeat: Timer | null = null;
  #cutOff = 0;
  #refused = 0;

  constructor(sources: ViewSources, logins: Logins, log: Logger, limits: StreamLimits = STREAM_LIMITS) {
    this.#sources = sources;
    this.#logins = logins;
    this.#clock = sources.clock;
    this.#log = log;
    this.#limits = limits;
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Streams that were cut off because the browser did not read them. */
  get cutOff(): number {
    return this.#cutOff;
  }

  /** Streams that were refused because of the limits. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Throws where a stream cannot be opened; to be called while an error can still be answered.
   * @throws FER_CONSOLE_TOO_MANY_STREAMS, FER_CONSOLE_INVALID
   */
  check(loginId: string, names: string[]): void {
    const own = [...this.#streams].filter((stream) => stream.loginId === loginId).length;
    if (this.#streams.size >= this.#limits.maxStreams || own >= this.#limits.maxStreamsPerLogin) {
      this.#refused++;
      throw new FerruleError('FER_CONSOLE_TOO_MANY_STREAMS', 'Too many live streams are open.', {
        hint: `Close pages of the web console that are not needed; ${this.#limits.maxStreamsPerLogin} may be open for one login, ${this.#limits.maxStreams} for all.`,
      });
    }
    if (names.length === 0 || names.length > this.#limits.maxViews) {
      throw new FerruleError('FER_CONSOLE_INVALID', `A stream has 1 to ${this.#limits.maxViews} views.`, {
        where: { subject: 'querystring/views' },
      });
    }
    for (const name of names) {
      if (parseViewName(name) === null) {
        throw new FerruleError('FER_CONSOLE_INVALID', `There is no view ${JSON.stringify(name)}.`, {
          where: { subject: 'querystring/views' },
          hint: 'Views are overview, devices, device:<name>, topics:<filter>, bridges, clients and rules.',
        });
      }
    }
  }

  /** Streams the views into a response whose head has been sent, until either side ends it. */
  add(loginId: string, names: string[], response: ServerResponse): void {
    const close = () => this.#remove(stream);
    const endWatch = this.#logins.whenEnded(loginId, close);
    const stream: Stream = { loginId, response, views: [], written: 0, taken: 0, stalledBeats: 0, close };
    this.#streams.add(stream);
    response.once('close', () => {
      endWatch();
      this.#remove(stream);
    });
    response.on('error', close);
    this.#heartbeat ??= this.#clock.setInterval(() => this.#beat(), this.#limits.heartbeatMs);
    this.#write(stream, 'retry: 2000\n\n');
    for (const name of new Set(names)) this.#join(stream, name);
  }

  /** Ends every stream. */
  stop(): void {
    for (const stream of [...this.#streams]) this.#remove(stream);
  }

  #join(stream: Stream, name: string): void {
    let shared = this.#views.get(name);
    if (shared === undefined) {
      const parsed = parseViewName(name);
      if (parsed === null) return;
      const view = createView(parsed, this.#sources);
      const opened: SharedView = {
        name,
        view,
        streams: new Set(),
        timer: this.#clock.setInterval(() => this.#look(opened), view.intervalMs),
      };
      this.#views.set(name, opened);
      shared = opened;
    } else {
      // The others get what the snapshot has already taken into account.
      this.#look(shared);
    }
    shared.streams.add(stream);
    stream.views.push(shared);
    this.#write(stream, eventText(name, 'snapshot', shared.view.snapshot()));
  }

  #look(shared: SharedView): void {
    const changes = shared.view.changes();
    if (changes === null) return;
    const text = eventText(shared.name, 'change', changes);
    for (const stream of [...shared.streams]) this.#write(stream, text);
  }

  #write(stream: Stream, text: string): void {
    if (!this.#streams.has(stream)) return;
    stream.written += Buffer.byteLength(text);
    stream.response.write(text);
    if (stream.response.writableLength > this.#limits.maxBuffered) this.#cut(stream);
  }

  #beat(): void {
    for (const stream of [...this.#streams]) {
      const waiting = stream.response.writableLength;
      const taken = stream.written - waiting;
      stream.stalledBeats = waiting > 0 && taken <= stream.taken ? stream.stalledBeats + 1 : 0;
      stream.taken = taken;
      if (stream.stalledBeats >= MAX_STALLED_BEATS) this.#cut(stream);
      else if (this.#logins.keepAlive(stream.loginId)) this.#write(stream, ': alive\n\n');
    }
  }

  #cut(stream: Stream): void {
    this.#cutOff++;
    this.#log.info({ waiting: stream.response.writableLength }, 'a live stream was cut off because the browser does not read it');
    stream.response.destroy();
    this.#remove(stream);
  }

  #remove(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    for (const shared of stream.views) {
      shared.streams.delete(stream);
      if (shared.streams.size > 0) continue;
      shared.timer.cancel();
      shared.view.close();
      this.#views.delete(shared.name);
    }
    // What waits for a browser that does not read would keep the connection open.
    if (stream.response.writableLength > 0) stream.response.destroy();
    else stream.response.end();
    if (this.#streams.size === 0) {
      this.#heartbeat?.cancel();
      this.#heartbeat = null;
    }
  }
}

/** The event is named after the kind of view, its data say which one and whether they are all or a change. */
function eventText(name: string, kind: 'snapshot' | 'change', data: object): string {
  const event = name.split(':', 1)[0] ?? name;
  return `event: ${event}\ndata: ${JSON.stringify({ view: name, kind, ...data })}\n\n`;
}

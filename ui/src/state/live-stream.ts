import { SseParser } from '../api/sse.js';
import { backoffMs } from './backoff.js';

export type LinkState =
  /** Nothing is asked for: no login, or the page is in the background. */
  | { state: 'idle' }
  | { state: 'connecting' }
  | { state: 'live' }
  /** `since` and `retryAt`: wall ms of this browser; `retryAt` null: it is being tried right now. */
  | { state: 'lost'; since: number; retryAt: number | null; error: Error };

export interface LiveStreamHooks {
  open(views: readonly string[], signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Rejects where the gateway cannot be reached. */
  probe(signal: AbortSignal): Promise<void>;
  event(event: string, data: string): void;
  link(state: LinkState): void;
  /** Whether trying again makes sense after this error (not without a login). */
  retries(error: Error): boolean;
}

/** A cable that was pulled says nothing: after so much silence the gateway is asked whether it is there. */
const SILENCE_MS = 5000;
const PROBE_TIMEOUT_MS = 4000;
/** Opening another stream while the page changes is no news, unless it takes longer than this. */
const SWITCH_MS = 3000;
/** A gateway that has not begun to send by then is as good as not there. */
const OPEN_MS = 5000;

/** One live stream of the views that are wanted; connects again by itself, with back-off. */
export class LiveStream {
  readonly #hooks: LiveStreamHooks;
  #views: string[] = [];
  #running = false;
  #current: AbortController | null = null;
  #link: LinkState = { state: 'idle' };
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;

  constructor(hooks: LiveStreamHooks) {
    this.#hooks = hooks;
  }

  /** Which views to follow; a change opens another stream. */
  want(views: string[]): void {
    const next = [...views].sort((a, b) => (a < b ? -1 : 1));
    if (next.join('\n') === this.#views.join('\n')) return;
    this.#views = next;
    if (this.#running) this.#connect();
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#attempt = 0;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    this.#cancel();
    this.#setLink({ state: 'idle' });
  }

  /** Does not wait for the end of the back-off. */
  retryNow(): void {
    if (this.#running && this.#link.state === 'lost') this.#connect();
  }

  /** The browser says that it has no network. */
  networkLost(error: Error): void {
    const current = this.#current;
    if (this.#running && current !== null) this.#failed(current, error);
  }

  #cancel(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#current?.abort();
    this.#current = null;
  }

  #connect(): void {
    this.#cancel();
    if (this.#views.length === 0) return;
    if (this.#link.state === 'lost') this.#setLink({ ...this.#link, retryAt: null });
    else if (this.#link.state === 'idle') this.#setLink({ state: 'connecting' });
    const current = new AbortController();
    this.#current = current;
    this.#follow(current).catch((error: unknown) => this.#failed(current, error instanceof Error ? error : new Error(String(error))));
  }

  async #follow(current: AbortController): Promise<void> {
    const slow = setTimeout(() => {
      if (this.#current === current && this.#link.state === 'live') this.#setLink({ state: 'connecting' });
    }, SWITCH_MS);
    const late = setTimeout(() => this.#failed(current, new Error('the gateway did not answer')), OPEN_MS);
    const body = await this.#hooks.open(this.#views, current.signal).finally(() => {
      clearTimeout(slow);
      clearTimeout(late);
    });
    // It was given up meanwhile, and nobody reads it.
    if (this.#current !== current) return void body.cancel().catch(() => undefined);
    const reader = body.getReader();
    // Ends the read that waits, and with it the timer that watches over it.
    current.signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined));
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await this.#read(reader, current);
      if (this.#current !== current) return;
      if (done) throw new Error('the gateway ended the stream');
      this.#attempt = 0;
      this.#setLink({ state: 'live' });
      for (const { event, data } of parser.feed(decoder.decode(value, { stream: true }))) this.#hooks.event(event, data);
    }
  }

  /** Reads on; while nothing comes, makes sure now and then that the gateway is still there. */
  async #read(reader: ReadableStreamDefaultReader<Uint8Array>, current: AbortController): ReturnType<typeof reader.read> {
    let probing = false;
    const silence = setInterval(() => {
      if (probing) return;
      probing = true;
      this.#hooks.probe(AbortSignal.timeout(PROBE_TIMEOUT_MS)).then(
        () => {
          probing = false;
        },
        (error: unknown) => this.#failed(current, error instanceof Error ? error : new Error(String(error))),
      );
    }, SILENCE_MS);
    try {
      return await reader.read();
    } finally {
      clearInterval(silence);
    }
  }

  #failed(current: AbortController, error: Error): void {
    if (this.#current !== current) return;
    this.#cancel();
    if (!this.#hooks.retries(error)) {
      this.stop();
      return;
    }
    const wait = backoffMs(this.#attempt++, Math.random());
    const now = Date.now();
    const since = this.#link.state === 'lost' ? this.#link.since : now;
    this.#setLink({ state: 'lost', since, retryAt: now + wait, error });
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #setLink(link: LinkState): void {
    if (link.state === this.#link.state && link.state !== 'lost') return;
    this.#link = link;
    this.#hooks.link(link);
  }
}

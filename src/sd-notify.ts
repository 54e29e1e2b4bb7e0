import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock, Timer } from './clock.js';
import type { Logger } from './log.js';

export interface SdNotifyOptions {
  clock: Clock;
  logger: Logger;
  /** Default: process.env. NOTIFY_SOCKET and WATCHDOG_USEC are read. */
  env?: NodeJS.ProcessEnv;
  /** Whether the gateway can do its work: asked before each feeding of the watchdog. */
  alive?(): Promise<boolean>;
}

/**
 * One line a notification. Node has no Unix datagram sockets, so systemd's own tool sends them: started from a shell that
 * runs along (0.2 MB), because a fork of the gateway itself stops the event loop for 5 ms and more. The shell ends with
 * its input, hence with the gateway, however that ends.
 */
const FORWARDER = 'while IFS= read -r line; do systemd-notify "$line"; done';

/** ms that the last notifications have to leave. */
const FLUSH_MS = 2000;

/**
 * Tells systemd how the service is doing (sd_notify(3)); needs NotifyAccess=all. Outside of systemd it does nothing.
 *
 * The watchdog is fed from a timer, so only while the event loop turns, and only where `alive` answers true in time.
 */
export class SdNotify {
  readonly #options: SdNotifyOptions;
  readonly #env: NodeJS.ProcessEnv;
  #forwarder: ChildProcess | null = null;
  #watchdog: Timer | null = null;
  #asking = false;
  #broken = false;

  constructor(options: SdNotifyOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
  }

  /** The service is up: from here on the watchdog is fed. */
  ready(status: string): void {
    this.#send(`STATUS=${oneLine(status)}`);
    this.#send('READY=1');
    this.#startWatchdog();
  }

  status(text: string): void {
    this.#send(`STATUS=${oneLine(text)}`);
  }

  /** The service goes down. The watchdog is fed on: stopping has a time limit of its own. */
  stopping(): void {
    this.#send('STOPPING=1');
  }

  /** Sends what is left and ends the forwarder; bounded in time. */
  async stop(): Promise<void> {
    this.#watchdog?.cancel();
    this.#watchdog = null;
    const forwarder = this.#forwarder;
    this.#forwarder = null;
    if (forwarder === null || forwarder.exitCode !== null || forwarder.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const limit = this.#options.clock.setTimeout(() => {
        forwarder.kill('SIGKILL');
        resolve();
      }, FLUSH_MS);
      forwarder.once('close', () => {
        limit.cancel();
        resolve();
      });
      forwarder.stdin?.end();
    });
  }

  #startWatchdog(): void {
    const period = Number(this.#env.WATCHDOG_USEC) / 1000;
    const isOurs = this.#env.WATCHDOG_PID === undefined || Number(this.#env.WATCHDOG_PID) === process.pid;
    if (!Number.isFinite(period) || period <= 0 || !isOurs || this.#watchdog !== null) return;
    this.#watchdog = this.#options.clock.setInterval(() => void this.#feed(), period / 3);
  }

  async #feed(): Promise<void> {
    // An answer that takes longer than the period is none: nothing is fed meanwhile.
    if (this.#asking) return;
    this.#asking = true;
    try {
      const isAlive = this.#options.alive === undefined || (await this.#options.alive());
      if (isAlive) this.#send('WATCHDOG=1');
      else this.#options.logger.error('the gateway does not do its work: the watchdog is not fed');
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the gateway does not do its work: the watchdog is not fed');
    } finally {
      this.#asking = false;
    }
  }

  #send(line: string): void {
    if (!this.#env.NOTIFY_SOCKET || this.#broken) return;
    this.#forwarder ??= this.#start();
    this.#forwarder.stdin?.write(`${line}\n`);
  }

  #start(): ChildProcess {
    const forwarder = spawn('/bin/sh', ['-c', FORWARDER], { stdio: ['pipe', 'ignore', 'pipe'], env: this.#env, detached: true });
    const broke = (reason: string): void => {
      if (this.#broken || this.#forwarder !== forwarder) return;
      this.#broken = true;
      this.#options.logger.error({ reason }, 'systemd is not told how the gateway is doing: is systemd-notify installed?');
    };
    forwarder.on('error', (error) => broke(error.message));
    forwarder.on('exit', (code, signal) => broke(`the forwarder ended with ${signal ?? code}`));
    // What is written after it ended; its end is reported above.
    forwarder.stdin?.on('error', () => {});
    forwarder.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => this.#options.logger.warn({ stderr: text.trim() }, 'systemd-notify failed'));
    forwarder.unref();
    return forwarder;
  }
}

/** A newline would begin another variable. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { freePort } from '../support/free-port.js';
import { type RunningProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor, within } from '../support/wait-for.js';

/** The gateway as its own process, as it runs on an appliance; it can be killed and started again on the same data. */
export class GatewayProcess {
  readonly mqttPort: number;
  readonly consolePort: number;
  /** null: no WebSocket listener. */
  readonly webSocketPort: number | null;
  readonly folder: string;
  /** Output of all its lives. */
  log = '';
  /** Added to its environment. */
  env: Record<string, string> = {};
  /** A program that runs it and is replaced by it (`exec`); none: it is run directly. */
  runner: readonly string[] = [];
  #process: RunningProcess | null = null;

  private constructor(ports: { mqtt: number; console: number; webSocket?: number }, folder: string) {
    this.mqttPort = ports.mqtt;
    this.consolePort = ports.console;
    this.webSocketPort = ports.webSocket ?? null;
    this.folder = folder;
  }

  /** A gateway that is not started yet; `configuration` is YAML without listeners and console. */
  static async create(
    t: TestContext,
    configuration: string,
    ports: { mqtt?: number; console?: number; webSocket?: number } = {},
  ): Promise<GatewayProcess> {
    const own = { mqtt: ports.mqtt ?? (await freePort()), console: ports.console ?? (await freePort()) };
    const gateway = new GatewayProcess({ ...ports, ...own }, await tempDir(t));
    await gateway.configure(configuration);
    t.after(() => gateway.kill());
    return gateway;
  }

  get configFile(): string {
    return join(this.folder, 'ferrule.yaml');
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  get pid(): number {
    return this.#process!.pid;
  }

  async configure(configuration: string): Promise<void> {
    const listeners = [`{type: tcp, host: 127.0.0.1, port: ${this.mqttPort}}`];
    if (this.webSocketPort !== null) listeners.push(`{type: ws, host: 127.0.0.1, port: ${this.webSocketPort}, path: /mqtt}`);
    const own = [
      'gateway: {id: gw1}',
      `broker: {listeners: [${listeners.join(', ')}], allow_anonymous: true}`,
      `console: {host: 127.0.0.1, port: ${this.consolePort}, tls: off}`,
    ];
    await writeFile(this.configFile, `${own.join('\n')}\n${configuration}`);
  }

  async writeRule(name: string, text: string): Promise<void> {
    await mkdir(join(this.folder, 'rules'), { recursive: true });
    await writeFile(join(this.folder, 'rules', name), text);
  }

  /** Resolves when it says that it runs. */
  async start(): Promise<void> {
    const main = join(packageRoot(), 'build/src/main.js');
    const [command, ...args] = [...this.runner, process.execPath, main, 'start', '--config', this.configFile, '--data', this.dataDir];
    this.#process = await startProcess(command!, args, { ready: /the gateway runs/, env: this.env });
  }

  /** What it printed in all its lives, this one included. */
  get printed(): string {
    return `${this.log}${this.#process?.stdout ?? ''}${this.#process?.stderr ?? ''}`;
  }

  /** Waits until it printed a line like this, in this life or an earlier one. */
  async says(pattern: RegExp, timeout = 15_000): Promise<RegExpExecArray> {
    return waitFor(() => pattern.exec(this.printed), {
      timeout,
      message: () => `the gateway to say ${String(pattern)}; it said\n${this.printed.slice(-3000)}`,
    });
  }

  /** Waits until it ends by itself; gives the exit code. */
  async ended(timeout = 15_000): Promise<number | null> {
    const { code } = await within(timeout, 'the end of the gateway', this.#process!.exit);
    this.keepLog();
    this.#process = null;
    return code;
  }

  /** Reads its configuration again. */
  hangUp(): void {
    this.#process!.signal('SIGHUP');
  }

  /** SIGKILL, at once. */
  async kill(): Promise<void> {
    this.keepLog();
    await this.#process?.kill();
    this.#process = null;
  }

  /** SIGTERM; gives the exit code and how long it took, ms. */
  async terminate(): Promise<{ code: number | null; ms: number }> {
    const running = this.#process!;
    const begun = performance.now();
    running.signal('SIGTERM');
    const { code } = await running.exit;
    this.keepLog();
    this.#process = null;
    return { code, ms: performance.now() - begun };
  }

  /** What a program asks of the HTTP server, without a login. */
  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.consolePort}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** Adds what it has printed so far to `log`. */
  keepLog(): void {
    this.log += `${this.#process?.stdout ?? ''}${this.#process?.stderr ?? ''}`;
  }
}

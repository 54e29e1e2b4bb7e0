import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { needs } from '../support/needs.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';

const skip = needs('mosquitto-clients', 'iproute2');
const KEEP_ALIVE_S = 5;
const ESTABLISHED = '01';

/** A network of its own for the gateway and its clients, whose only link can be taken down; gone with its processes. */
class OwnNetwork {
  readonly #gateway: GatewayProcess;

  private constructor(gateway: GatewayProcess) {
    this.#gateway = gateway;
  }

  /** null: this user may not. */
  static async create(t: TestContext): Promise<OwnNetwork | null> {
    const { code } = await runProcess('/usr/bin/unshare', ['-n', '/usr/sbin/ip', 'link', 'set', 'lo', 'up']);
    if (code !== 0) return null;
    const gateway = await GatewayProcess.create(t, '');
    gateway.runner = ['/usr/bin/unshare', '-n', '/bin/sh', '-c', 'ip link set lo up && exec "$0" "$@"'];
    await gateway.start();
    return new OwnNetwork(gateway);
  }

  async link(state: 'up' | 'down'): Promise<void> {
    const { code, stderr } = await runProcess('/usr/bin/nsenter', this.#inside('/usr/sbin/ip', 'link', 'set', 'lo', state));
    assert.equal(code, 0, stderr);
  }

  async subscribe(t: TestContext, ...args: string[]): Promise<RunningProcess> {
    const client = ['-h', '127.0.0.1', '-p', String(this.#gateway.mqttPort), '-d', ...args];
    const process = await startProcess('/usr/bin/nsenter', this.#inside('/usr/bin/stdbuf', '-oL', '/usr/bin/mosquitto_sub', ...client), {
      ready: /SUBACK/,
    });
    t.after(() => process.kill());
    return process;
  }

  /** Connections that the gateway's side believes in. */
  get connections(): number {
    const port = this.#gateway.mqttPort.toString(16).toUpperCase().padStart(4, '0');
    const lines = readFileSync(`/proc/${this.#gateway.pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === ESTABLISHED).length;
  }

  #inside(...command: string[]): string[] {
    return ['-t', String(this.#gateway.pid), '-n', ...command];
  }
}

test('a client whose network goes away without a word is let go after its keep-alive, with its will; the gateway serves on', {
  skip,
}, async (t) => {
  const network = await OwnNetwork.create(t);
  if (network === null) {
    t.skip('may not make a network of its own');
    return;
  }
  const will = ['--will-topic', 'state', '--will-payload', 'lost', '--will-retain', '--will-qos', '1'];
  const client = await network.subscribe(t, '-t', 'orders', '-q', '1', '-k', String(KEEP_ALIVE_S), ...will);
  assert.equal(network.connections, 1);
  const since = performance.now();
  await network.link('down');
  await waitFor(() => network.connections === 0, { timeout: 30_000, interval: 100, message: 'the gateway to let go of the connection' });
  const after = (performance.now() - since) / 1000;
  assert.ok(after < KEEP_ALIVE_S * 1.5 + 5, `let go after ${after} s`);
  await client.kill();
  await network.link('up');
  const next = await network.subscribe(t, '-t', 'state', '-v');
  await next.output(/state lost/);
});

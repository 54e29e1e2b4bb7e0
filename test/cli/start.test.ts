import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor, within } from '../support/wait-for.js';
import { noSystemdNotify, systemd } from './systemd-peer.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

async function start(t: TestContext, config: (ports: { mqtt: number; console: number }) => string, env: NodeJS.ProcessEnv = {}) {
  const folder = await tempDir(t);
  const ports = { mqtt: await freePort(), console: await freePort() };
  const file = join(folder, 'ferrule.yaml');
  await writeFile(file, config(ports));
  const gateway = await startProcess(process.execPath, [MAIN, 'start', '--config', file, '--data', join(folder, 'data')], {
    ready: /the gateway runs/,
    env,
  });
  t.after(() => gateway.kill());
  return { gateway, ports, file };
}

const plain = (ports: { mqtt: number; console: number }) => `broker:
  listeners: [{type: tcp, host: 127.0.0.1, port: ${ports.mqtt}}]
  allow_anonymous: true
console: {host: 127.0.0.1, port: ${ports.console}, tls: off}
`;

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function stopped(gateway: RunningProcess): Promise<number | null> {
  gateway.signal('SIGTERM');
  return (await within(7000, 'the end', gateway.exit)).code;
}

describe('ferrule start', () => {
  it('It takes MQTT clients, tells the setup code, and stops on SIGTERM with 0', { skip: needs('mosquitto-clients') }, async (t) => {
    const { gateway, ports } = await start(t, plain);
    await gateway.output(/enter the setup code \S+/);
    const { code, stderr } = await runProcess('mosquitto_pub', [
      '-h',
      '127.0.0.1',
      '-p',
      String(ports.mqtt),
      '-q',
      '1',
      '-t',
      'a',
      '-m',
      'b',
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(await stopped(gateway), 0);
  });

  it('A listener that is added to the file opens without a restart', async (t) => {
    const { gateway, ports, file } = await start(t, plain);
    const another = await freePort();
    await writeFile(file, plain(ports).replace('}]', `}, {type: tcp, host: 127.0.0.1, port: ${another}}]`));
    await waitFor(() => isOpen(another));
    assert.equal(await stopped(gateway), 0);
  });

  it('A port in use and a serial port that is missing leave the rest running', async (t) => {
    const taken = await start(t, plain);
    const { gateway, ports } = await start(
      t,
      (own) =>
        `${plain({ mqtt: taken.ports.mqtt, console: own.console })}field: {buses: [{name: line1, type: modbus_rtu, port: /dev/no-such-port}]}\n`,
    );
    await waitFor(() => isOpen(ports.console));
    await gateway.output(new RegExp(`listener tcp:${taken.ports.mqtt}`));
    await gateway.output(/no-such-port/);
    assert.equal(await stopped(gateway), 0);
  });

  it('systemd is told that it runs, that it lives, and that it stops', { skip: noSystemdNotify }, async (t) => {
    const { peer, env } = await systemd(t);
    const { gateway } = await start(t, plain, { ...env, WATCHDOG_USEC: '300000' });
    await peer.output(/READY=1\nWATCHDOG=1\n/);
    assert.equal(await stopped(gateway), 0);
    await peer.output(/STOPPING=1\n/);
  });

  it('A configuration that is not correct is not started: exit code 1, with line and column', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, 'brokr: {}\n');
    const { code, stderr } = await runProcess(process.execPath, [MAIN, 'start', '-c', file, '-d', join(file, '..', 'data')]);
    assert.equal(code, 1);
    assert.match(stderr, /ferrule\.yaml:1:1 /);
  });

  it('A data folder that is a file is said, with exit code 3', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, '');
    const { code, stderr } = await runProcess(process.execPath, [MAIN, 'start', '-c', file, '-d', file]);
    assert.equal(code, 3);
    assert.match(stderr, /The data folder can't be made/);
  });
});

describe('ferrule demo', () => {
  const options = { skip: needs('mosquitto-clients') };

  it('It says what runs where; values of the plant arrive; Ctrl-C stops it; the second run finds the plant again', options, async (t) => {
    const data = join(await tempDir(t), 'data');
    const mqtt = await freePort();
    const args = [MAIN, 'demo', '--data', data, '--mqtt', String(mqtt), '--console', String(await freePort())];
    for (const run of ['first', 'second']) {
      const demo = await startProcess(process.execPath, args, { ready: /Ctrl-C stops it/ });
      t.after(() => demo.kill());
      assert.match(demo.stdout, /setup code \S+/, run);
      assert.doesNotMatch(demo.stdout, / {2}! /, run);
      const topics = ['meter/power', 'oven/temperature', 'drive/speed', 'scale/weight'].flatMap((tag) => ['-t', `field/${tag}`]);
      const sub = ['-h', '127.0.0.1', '-p', String(mqtt), '-C', '4', '-W', '15', '-F', '%t %p', ...topics];
      const { stdout } = await runProcess('mosquitto_sub', sub);
      assert.match(stdout, /"q":"good"/, run);
      demo.signal('SIGINT');
      assert.deepEqual(await within(7000, 'the end', demo.exit), { code: 0, signal: null }, run);
      assert.match(demo.stdout, /The demo has stopped\./, run);
    }
  });

  it('A port that is none is refused with exit code 2', async (t) => {
    const { code, stderr } = await runProcess(process.execPath, [MAIN, 'demo', '--data', join(await tempDir(t), 'data'), '--mqtt', 'x']);
    assert.equal(code, 2);
    assert.match(stderr, /--mqtt x is not a port/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ScriptedInstrument } from '../peers/instrument.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { runProcess, startProcess } from '../support/process.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (args: string[], input = '') => runProcess(process.execPath, [MAIN, 'serial', ...args], { input });

test('ports lists what the machine has, as JSON too', async () => {
  const { code, stdout } = await ferrule(['ports', '--json']);
  assert.equal(code, 0);
  const ports = JSON.parse(stdout) as { path: string; name: string }[];
  for (const port of ports) assert.ok(port.path.startsWith('/dev/') && port.name.startsWith('/dev/'), JSON.stringify(port));
  const text = await ferrule(['ports']);
  assert.match(text.stdout, ports.length === 0 ? /no serial port/ : /name that stays/);
});

describe('ferrule serial terminal, with a scripted instrument', { skip: needs('socat') }, () => {
  test('a line is sent with its end, and what comes is shown', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await instrument.answer('?M\r\n', '+12.5 kg\u0007\r\n');
    const { code, stdout, stderr } = await ferrule(['terminal', cable.ours], '?M\n');
    assert.deepEqual([code, stdout], [0, '+12.5 kg\\x07\r\n'], stderr);
  });

  test('bytes go both ways as hexadecimal digits; what are none is not sent', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await instrument.answer('\u0002P\u0003', '\u0002OK\u0003');
    const { stdout, stderr } = await ferrule(['terminal', cable.ours, '--hex'], 'zz\n02 50 03\n');
    assert.match(stdout, /^02 4f 4b 03 +\.OK\.$/m);
    assert.match(stderr, /Not sent: "zz"/);
  });

  test('a port that vanishes ends it with the reason', async (t) => {
    const cable = await SerialPair.open(t);
    const terminal = await startProcess(process.execPath, [MAIN, 'serial', 'terminal', cable.ours], { ready: /is open/ });
    t.after(() => terminal.kill());
    await cable.unplug();
    assert.equal((await terminal.exit).code, 6);
    assert.match(terminal.stderr, /FER_FIELD_BUS/);
  });

  test('a port that is not there is said so', async () => {
    const { code, stderr } = await ferrule(['terminal', '/dev/ttyNone0']);
    assert.equal(code, 6);
    assert.match(stderr, /ttyNone0.*ferrule serial ports/s);
  });
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { openOwnBus } from '../../../src/field/tools/own-bus.js';
import { runScan, type ScanLine, type ScanProgress } from '../../../src/field/tools/scan.js';
import { silentLogger } from '../../../src/log.js';
import { honest, ScriptedDevice } from '../scripted-device.js';

/** Settings of a line, of which each finds the units that answer with them. */
async function settings(t: TestContext, answering: Record<string, number[]>): Promise<{ lines: ScanLine[]; opened: string[] }> {
  const opened: string[] = [];
  const lines: ScanLine[] = [];
  for (const [label, units] of Object.entries(answering)) {
    const device = await ScriptedDevice.start(t, (asked) => units.includes(asked.unit) && honest(asked));
    lines.push({
      label,
      open: (signal) => {
        opened.push(label);
        return openOwnBus({ kind: 'host', host: '127.0.0.1', port: device.port, framing: 'tcp' }, 100, systemClock, silentLogger, signal);
      },
      close: (bus) => bus.stop(),
    });
  }
  return { lines, opened };
}

async function scanned(lines: ScanLine[], isExhaustive: boolean): Promise<string[]> {
  const progress: ScanProgress = { total: 0, done: 0, line: null, unit: null, found: [] };
  const plan = { lines, units: [1, 2], identifies: false, isExhaustive, isShared: false };
  await runScan(plan, progress, systemClock, new AbortController().signal);
  assert.equal(progress.done, progress.total);
  return progress.found.filter(({ outcome }) => outcome === 'answers').map(({ line, unit }) => `${line}:${unit}`);
}

const ANSWERING = { '9600 8N1': [], '19200 8E1': [2], '19200 8N1': [1] };

test('Settings are tried until units answer', async (t) => {
  const { lines, opened } = await settings(t, ANSWERING);
  assert.deepEqual(await scanned(lines, false), ['19200 8E1:2']);
  assert.deepEqual(opened, ['9600 8N1', '19200 8E1']);
});

test('Asked for all settings, the scan goes on behind those where units answered', async (t) => {
  const { lines, opened } = await settings(t, ANSWERING);
  assert.deepEqual(await scanned(lines, true), ['19200 8E1:2', '19200 8N1:1']);
  assert.deepEqual(opened, Object.keys(ANSWERING));
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from './free-port.js';
import { ManualClock } from './manual-clock.js';
import { runProcess, startProcess } from './process.js';
import { tempDir } from './temp-dir.js';
import { waitFor, within } from './wait-for.js';

const node = process.execPath;

test('a manual clock runs timers at their own time, in order', () => {
  const clock = new ManualClock(1000);
  const seen: string[] = [];
  clock.setTimeout(() => seen.push(`b@${clock.mono()}`), 20);
  clock.setTimeout(() => seen.push(`a@${clock.mono()}`), 10);
  clock.setInterval(() => seen.push(`i@${clock.mono()}`), 10);
  clock.advance(25);
  assert.deepEqual(seen, ['a@10', 'i@10', 'b@20', 'i@20']);
  assert.equal(clock.now(), 1025);
});

test('a timer made by a timer runs in the same advance when it falls due', () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  clock.setTimeout(() => clock.setTimeout(() => seen.push(clock.mono()), 5), 5);
  clock.advance(10);
  assert.deepEqual(seen, [10]);
});

test('a cancelled timer of a manual clock does not run', () => {
  const clock = new ManualClock();
  let ran = false;
  const timer = clock.setTimeout(() => {
    ran = true;
  }, 5);
  timer.cancel();
  clock.advance(10);
  assert.equal(ran, false);
  assert.equal(clock.pending, 0);
});

test('stepping the wall clock leaves the monotonic clock alone', () => {
  const clock = new ManualClock(5000);
  clock.setWall(1000);
  clock.advance(10);
  assert.equal(clock.now(), 1010);
  assert.equal(clock.mono(), 10);
});

test('advanceAsync lets promises settle between timers', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.setTimeout(() => void Promise.resolve().then(() => clock.setTimeout(() => seen.push('chained'), 1)), 1);
  await clock.advanceAsync(10);
  assert.deepEqual(seen, ['chained']);
});

test('a free port can be listened on, and is given out once', async () => {
  const port = await freePort();
  assert.notEqual(port, await freePort());
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});

test('waitFor says what it waited for', async () => {
  await assert.rejects(
    waitFor(() => false, { timeout: 20, message: () => 'the moon' }),
    /waited 20 ms in vain for the moon/,
  );
  assert.equal(await waitFor(() => 42), 42);
});

test('within says what it waited for', async () => {
  await assert.rejects(within(10, 'an answer', new Promise(() => {})), /in vain for an answer/);
});

test('a temporary folder is gone after its test', async (t) => {
  let folder = '';
  await t.test('makes it', async (inner) => {
    folder = await tempDir(inner);
    assert.ok(existsSync(folder));
  });
  assert.equal(existsSync(folder), false);
});

test('a started program is ready when it said so, and ends with stop', async () => {
  const child = await startProcess(node, ['-e', 'setTimeout(() => console.log("up"), 50); setInterval(() => {}, 1000)'], { ready: /up/ });
  assert.equal(child.running, true);
  assert.deepEqual(await child.stop(), { code: null, signal: 'SIGTERM' });
});

test('a line that arrives in pieces is waited for to its end', async (t) => {
  const script = 'process.stdout.write("port 12"); setTimeout(() => process.stdout.write("34\\n"), 100); setInterval(() => {}, 1000)';
  const child = await startProcess(node, ['-e', script], { ready: /port (\d+)/ });
  t.after(() => child.kill());
  assert.equal((await child.output(/port (\d+)/))[1], '1234');
});

test('a program that ends before it is ready fails at once, with its output', async () => {
  const start = startProcess(node, ['-e', 'console.error("no such file"); process.exit(3)'], { ready: /up/ });
  await assert.rejects(start, /ended before output like \/up\/[\s\S]*code 3[\s\S]*no such file/);
});

test('a program that does not exist is an error, not a hang', async () => {
  await assert.rejects(startProcess('/no/such/program', []), /could not be started/);
});

test('a program that ignores SIGTERM is killed', async () => {
  const child = await startProcess(node, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'], {
    ready: /up/,
  });
  assert.deepEqual(await child.stop(100), { code: null, signal: 'SIGKILL' });
});

test('kill does not wait for a grandchild that holds the pipes', async () => {
  const child = await startProcess('/bin/sh', ['-c', 'sleep 4 & echo up $!; exec sleep 4'], { ready: /up/ });
  await within(3000, 'the kill', child.kill());
  assert.equal(child.running, false);
  process.kill(Number(child.lines[0]?.split(' ')[1]));
});

test('runProcess gives code and both streams', async () => {
  const result = await runProcess(node, ['-e', 'process.stdin.pipe(process.stdout); console.error("e"); process.exitCode = 2'], {
    input: 'hello',
  });
  assert.deepEqual(result, { code: 2, stdout: 'hello', stderr: 'e\n' });
});

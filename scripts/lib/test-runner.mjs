import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { filesUnder } from './fingerprint.mjs';
import { ROOT } from './shell.mjs';
import { FileResult } from './test-report.mjs';

/** Test files that run at the same time. */
const JOBS = Number(process.env.FERRULE_TEST_JOBS ?? 2);
/** ms that one test may take. */
const TEST_LIMIT = Number(process.env.FERRULE_TEST_TIMEOUT ?? 240_000);
/** ms that a file may take to load, between tests, and to end after its last one (then something holds it open). */
const IDLE_LIMIT = 30_000;
const OUTPUT_LIMIT = 200_000;
const MARK = 'FERRULE_TEST_RUN';
const REPORTER = new URL('./reporter.mjs', import.meta.url).href;

/** Sources of the test files whose path contains one of the words; the long ones (end to end) first. */
export function testFiles(words) {
  const late = (file) => (/^test\/(e2e|crash)\//.test(file) ? 0 : 1);
  return filesUnder(['test'])
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort((a, b) => late(a) - late(b));
}

/** Runs the files, some at a time, each in a process group of its own of which nothing is left when it is over. */
export async function runTestFiles(files, totals, signal) {
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined && !signal.aborted; file = waiting.shift()) {
      const result = await runFile(file, signal);
      totals.add(result);
      result.print();
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

async function runFile(file, signal) {
  const result = new FileResult(file);
  const mark = randomUUID();
  const compiled = `build/${file.replace(/\.ts$/, '.js')}`;
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', `--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout', compiled],
    { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { ...process.env, NODE_ENV: 'test', [MARK]: mark } },
  );
  const killGroup = () => signalPid(-child.pid, 'SIGKILL');
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, by) => resolve(by ?? code));
  });
  const closed = new Promise((resolve) => child.once('close', resolve));

  let timer;
  const watch = (ms, reason) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      result.stuck(reason);
      killGroup();
    }, ms);
  };
  watch(...limitOf(result));
  createInterface({ input: child.stdio[3] }).on('line', (line) => {
    result.event(JSON.parse(line));
    watch(...limitOf(result));
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      result.output = `${result.output}${text}`.slice(-OUTPUT_LIMIT);
    });
  }
  signal.addEventListener('abort', killGroup);

  const end = await exited;
  clearTimeout(timer);
  signal.removeEventListener('abort', killGroup);
  if (child.pid !== undefined) killGroup();
  result.leftBehind = killMarked(mark);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000))]);
  for (const stream of [child.stdout, child.stderr, child.stdio[3]]) stream.destroy();
  result.finish(signal.aborted ? 0 : end);
  return result;
}

/** How long a file may go on without a word in its present state, and what it means when it does. */
function limitOf(result) {
  switch (result.phase) {
    case 'ended':
      return [IDLE_LIMIT, `it did not end within ${IDLE_LIMIT / 1000} s after its last test: a socket, timer or program is left open`];
    case 'test':
      return [TEST_LIMIT, `the test took longer than ${TEST_LIMIT / 1000} s`];
    default:
      return [IDLE_LIMIT, `no test ran for ${IDLE_LIMIT / 1000} s: a socket, timer or program may hold the file open`];
  }
}

/** Programs that left the process group still carry the mark of their test file in their environment. */
function killMarked(mark) {
  const killed = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK}=${mark}`)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      // No command line: it has ended already and only waits to be collected.
      if (command === '') continue;
      signalPid(Number(pid), 'SIGKILL');
      killed.push(command);
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return killed;
}

function signalPid(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Nobody left to hear it.
  }
}

import { say } from './shell.mjs';

/** What happened in one test file. Counts tests that hold no other tests. */
export class FileResult {
  file;
  passed = 0;
  /** @type {{name: string, text: string}[]} */
  failures = [];
  /** @type {{name: string, reason: string}[]} */
  skips = [];
  /** Everything the file printed. */
  output = '';
  /** Programs it left running. */
  leftBehind = [];
  /** @type {'between' | 'test' | 'ended'} What runs now: nothing yet or any more, a test, nothing because all were reported. */
  phase = 'between';
  /** Name of the test that runs now. */
  current = 'the file';
  #started = performance.now();
  #ms = 0;
  /** Names of the tests around the current one, by nesting. */
  #path = [];
  /** By nesting: whether a test at this depth has reported since the last one above it did. */
  #children = [];
  #notes = [];

  constructor(file) {
    this.file = file;
  }

  get ms() {
    return this.#ms;
  }

  event(event) {
    const { type, nesting } = event;
    if (type === 'dequeue') {
      this.#path.length = nesting;
      this.#path[nesting] = event.name;
      this.#enter(this.#path);
    } else if (type === 'pass' || type === 'fail') this.#result(event);
    else if (type === 'plan' && nesting === 0) {
      this.phase = 'ended';
      this.current = 'the file';
    } else if (type === 'diagnostic' && nesting === 0 && event.message.startsWith('Error')) this.#notes.push(event.message);
  }

  stuck(reason) {
    this.#fail(this.current, `Killed: ${reason}.`);
    this.#notes = [];
    this.killed = true;
  }

  /** `end`: the exit code, or the name of a signal, or why it could not be started. */
  finish(end) {
    this.#ms = performance.now() - this.#started;
    if (this.killed) return;
    if (end !== 0 && this.phase !== 'ended') this.#fail('the file', `Ended with ${end} before its tests were through.`);
    else if (end !== 0 && this.failures.length === 0)
      this.#fail('the file', [`Ended with ${end}, though no test failed.`, ...this.#notes].join('\n'));
    else if (end === 0 && this.passed + this.failures.length + this.skips.length === 0) this.#fail('the file', 'Holds no tests.');
  }

  print() {
    const counts = [`${this.passed} passed`];
    if (this.failures.length > 0) counts.push(`${this.failures.length} FAILED`);
    if (this.skips.length > 0) counts.push(`${this.skips.length} skipped`);
    say(`${this.failures.length > 0 ? 'FAIL' : ' ok '} ${this.file}  ${counts.join(', ')}  ${seconds(this.ms)}`);
    for (const { name, reason } of this.skips) say(`     skipped: ${name}: ${reason}`);
    for (const command of this.leftBehind) say(`     left running, killed: ${command}`);
  }

  #result(event) {
    const { nesting, type } = event;
    const holdsTests = this.#children[nesting + 1] === true;
    this.#children.length = nesting + 1;
    this.#children[nesting] = true;
    this.#path.length = nesting;
    const name = [...this.#path, event.name].join(' > ');
    this.#enter(this.#path);
    if (type === 'fail') {
      // A test that fails only because one inside it did was counted there.
      if (event.failure !== 'subtestsFailed') this.#fail(name, event.text ?? 'failed', event.line);
    } else if (event.skip !== undefined || event.todo !== undefined) {
      this.skips.push({ name, reason: typeof event.skip === 'string' && event.skip !== '' ? event.skip : 'no reason given' });
    } else if (!holdsTests && !event.suite) this.passed++;
  }

  #enter(path) {
    this.phase = path.length === 0 ? 'between' : 'test';
    this.current = path.length === 0 ? 'the file' : path.join(' > ');
  }

  #fail(name, text, line) {
    this.failures.push({ name, text: line === undefined ? text : `line ${line}: ${text}` });
  }
}

/** The sum of a run. */
export class Totals {
  #files = [];
  #steps = [];

  add(result) {
    this.#files.push(result);
  }

  failed(name, text) {
    this.#steps.push({ name, text });
  }

  get ok() {
    const { passed, failed } = this.#counts();
    return failed === 0 && passed > 0;
  }

  print() {
    for (const result of this.#files.filter((file) => file.failures.length > 0)) {
      for (const { name, text } of result.failures) say(`\nFAILED ${result.file}: ${name}\n${indent(text)}`);
      if (result.output.trim() !== '') say(`\n--- what ${result.file} printed\n${indent(result.output.trimEnd())}`);
    }
    for (const { name, text } of this.#steps) say(`\nFAILED ${name}\n${indent(text)}`);
    const slowest = this.#files.toSorted((a, b) => b.ms - a.ms).slice(0, 5);
    if (this.#files.length > 5) say(`\nSlowest: ${slowest.map((result) => `${result.file} ${seconds(result.ms)}`).join(', ')}`);
    const { passed, failed, skipped } = this.#counts();
    say(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  }

  #counts() {
    const sum = (count) => this.#files.reduce((total, result) => total + count(result), 0);
    return {
      passed: sum((result) => result.passed),
      failed: sum((result) => result.failures.length) + this.#steps.length,
      skipped: sum((result) => result.skips.length),
    };
  }
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

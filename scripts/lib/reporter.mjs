/**
 * Reporter for node's test runner inside one test file: writes each event as a line of JSON to file descriptor 3, where
 * test-runner.mjs listens. Standard output stays with the tests.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

const EVENTS = new Set(['test:dequeue', 'test:pass', 'test:fail', 'test:diagnostic', 'test:plan']);

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (EVENTS.has(type)) send(describe(type.slice('test:'.length), data));
  }
  yield '';
}

function describe(type, data) {
  const { name, nesting, line, skip, todo, message, details } = data;
  const event = { type, name, nesting, line, skip, todo, message, ms: details?.duration_ms, suite: details?.type === 'suite' };
  const error = details?.error;
  if (error !== undefined) {
    event.failure = error.failureType;
    const thrown = error.cause ?? error;
    // The message of a failed comparison shows both sides already.
    event.text = thrown.generatedMessage === true ? thrown.stack : inspect(thrown, { depth: 8, breakLength: 120 });
  }
  return event;
}

function send(event) {
  let rest = Buffer.from(`${JSON.stringify(event)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(3, rest));
    } catch (error) {
      // The pipe is full: whoever reads it is only slower than we are.
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

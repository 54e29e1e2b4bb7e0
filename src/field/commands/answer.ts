import { type ErrorCode, FerruleError, messageOf } from '../../errors.js';
import type { TagJson } from '../ports.js';

/**
 * What is known of the device after a command that failed: `none`: nothing was written; `unknown`: it may have been;
 * `different`: the device holds another value than was asked for.
 */
export type Outcome = 'none' | 'unknown' | 'different';

/** What became of a command, as its sender is told. `bytes`: of a device in raw mode. */
export type Answer =
  | { ok: true; v: TagJson }
  | { ok: true; bytes: number }
  | { ok: false; error: string; code: ErrorCode; outcome: Outcome };

const OUTCOMES: Partial<Record<ErrorCode, Outcome>> = {
  FER_FIELD_WRITE_UNCONFIRMED: 'unknown',
  FER_INTERNAL: 'unknown',
  FER_FIELD_READ_BACK: 'different',
};

/** Answers are kept, and what is wrong with a value may quote it. */
const MAX_ERROR = 1000;

export function failed(code: ErrorCode, error: string): Answer {
  const said = error.length <= MAX_ERROR ? error : `${error.slice(0, MAX_ERROR)}...`;
  return { ok: false, error: said, code, outcome: OUTCOMES[code] ?? 'none' };
}

export function answerOf(thrown: unknown): Answer {
  const code = thrown instanceof FerruleError ? thrown.code : 'FER_INTERNAL';
  const hint = thrown instanceof FerruleError && thrown.hint !== undefined ? ` ${thrown.hint}` : '';
  return failed(code, messageOf(thrown) + hint);
}

/** It was begun in an earlier run, and that is all that is known of it. */
export function interrupted(): Answer {
  const error =
    'The gateway was stopped while it carried this command out, so it may have taken effect. It was not carried out again: look at the value.';
  return failed('FER_FIELD_WRITE_UNCONFIRMED', error);
}

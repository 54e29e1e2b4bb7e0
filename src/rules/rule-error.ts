import { type ErrorCode, type ErrorDetails, FerruleError } from '../errors.js';

/** A FerruleError whose message is a sentence, whoever worded it; faults inside expressions are worded without a stop. */
export function ruleError(code: ErrorCode, message: string, details: ErrorDetails): FerruleError {
  return new FerruleError(code, /[.!?]$/.test(message) ? message : `${message}.`, details);
}

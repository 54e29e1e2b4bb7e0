/**
 * Requests of other masters that are passed on byte by byte (functions 5 and above). On TCP the header says how long an
 * answer is; on a line only what is known of the function does.
 */

/** Bytes before the answer's data length is known: function code and byte count. */
const COUNTED = 2;

/**
 * Length of the PDU that answers `request` (a PDU too), told from its first bytes as far as they are there.
 * null: it can't be told, or not yet.
 */
export function rawAnswerLength(request: Buffer, answer: Buffer): number | null {
  switch (request[0]) {
    case 5:
    case 6:
    case 11:
    case 15:
    case 16:
      return 5;
    case 7:
      return 2;
    case 8:
    case 22:
      return request.length;
    case 23:
      return COUNTED + 2 * request.readUInt16BE(3);
    case 12:
    case 17:
    case 20:
    case 21:
      return answer.length < COUNTED ? null : COUNTED + answer.readUInt8(1);
    case 24:
      return answer.length < 3 ? null : 3 + answer.readUInt16BE(1);
    case 43:
      return request[1] === DEVICE_IDENTIFICATION ? identificationLength(answer) : null;
    default:
      return null;
  }
}

const DEVICE_IDENTIFICATION = 14;
const KNOWN = new Set([5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24]);

/** Whether the answer to a request can be found on a line, where nothing but the function says how long it is. */
export function hasKnownAnswer(request: Buffer): boolean {
  const fn = request[0] ?? 0;
  return KNOWN.has(fn) || (fn === 43 && request[1] === DEVICE_IDENTIFICATION);
}

/** Function, MEI type, code, conformity, more follows, next object, number of objects, then (id, length, bytes) each. */
function identificationLength(answer: Buffer): number | null {
  let at = 7;
  if (answer.length < at) return null;
  for (let left = answer.readUInt8(6); left > 0; left--) {
    if (answer.length < at + 2) return null;
    at += 2 + answer.readUInt8(at + 1);
  }
  return at;
}

/** What of `answer` (a PDU of the request's function) does not belong to `request`; null: it fits. */
export function rawMismatch(request: Buffer, answer: Buffer): string | null {
  const length = rawAnswerLength(request, answer);
  if (length === null && hasKnownAnswer(request)) return `${answer.length} bytes, which end too early`;
  if (length !== null && length !== answer.length) return `${answer.length} bytes instead of ${length}`;
  const echoed = echoedBytes(request);
  if (!answer.subarray(0, echoed).equals(request.subarray(0, echoed))) return 'an echo that differs from the request';
  if (request[0] === 23 && answer[1] !== answer.length - COUNTED) return `byte count ${answer[1]} instead of ${answer.length - COUNTED}`;
  return null;
}

/** How much of the request the answer repeats. */
function echoedBytes(request: Buffer): number {
  switch (request[0]) {
    case 5:
    case 6:
    case 22:
      return request.length;
    case 15:
    case 16:
      return 5;
    case 8:
      return 3;
    case 43:
      return 2;
    default:
      return 1;
  }
}

/** First address that a request names; 0: it names none. */
export function rawAddress(request: Buffer): number {
  const hasAddress = [5, 6, 15, 16, 22, 23].includes(request[0] ?? 0) && request.length >= 3;
  return hasAddress ? request.readUInt16BE(1) : 0;
}

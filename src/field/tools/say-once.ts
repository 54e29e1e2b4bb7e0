import { FerruleError, names } from '../../errors.js';
import { asFault } from '../fault.js';

/** Messages that name what they are about once, though the reasons that they are made of name it too. */

/** A reason that follows its subject, without it: `connect ECONNREFUSED 127.0.0.1:1` becomes `connect ECONNREFUSED`. */
export function withoutSubject(reason: string, subject: string): string {
  if (reason.startsWith(`${subject}: `)) return reason.slice(subject.length + 2);
  // As a whole, with the word that leads to it.
  const place = new RegExp(`(?: (?:to|at))? ${subject.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.:-])`, 'g');
  return reason.replace(place, '');
}

/** What became of a port or host. `endpoint`: `/dev/ttyUSB0 9600 8N1`, `192.0.2.7:502`; `is`: `is not open`. */
export function aboutEndpoint(endpoint: string, is: string, reason: string): string {
  const [subject = endpoint] = endpoint.split(' ');
  if (subject.startsWith('/') || subject.startsWith('usb:')) return names(reason, subject) ? reason : `${subject} ${is}: ${reason}`;
  const host = subject.replace(/:[0-9]+$/, '');
  return `${subject} ${is}: ${withoutSubject(withoutSubject(reason, subject), host)}`;
}

/** Why a unit could not be read. `place`: `holding 100`. */
export function readFailure(bus: string, unit: number, place: string, thrown: unknown): FerruleError {
  const fault = asFault(thrown);
  const subject = names(fault.message, `unit ${unit}`) ? bus : `${bus}, unit ${unit}, ${place}`;
  return new FerruleError('FER_FIELD_READ', `${subject}: ${withoutSubject(fault.message, bus)}.`, { where: { subject }, cause: fault });
}

/** As the beginning of a sentence; a name stays as it is. */
export function sentence(text: string): string {
  return /^[a-z]+ /.test(text) ? `${text[0]?.toUpperCase()}${text.slice(1)}.` : `${text}.`;
}

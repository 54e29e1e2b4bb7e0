import type { Part } from '../api/types.js';
import type { StatusKind } from './status-kind.js';

/** How the state of a part counts; `failing`: it says that something is wrong. */
export function partKind(state: Part['state'], failing: boolean): StatusKind {
  switch (state) {
    case 'running':
      return failing ? 'spec' : 'good';
    case 'degraded':
      return failing ? 'failure' : 'spec';
    case 'starting':
    case 'stopping':
      return failing ? 'failure' : 'check';
    case 'stopped':
      return failing ? 'failure' : 'off';
  }
}

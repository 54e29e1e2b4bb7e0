import type { Properties } from '../mqtt/packets.js';
import { brief, MAX_REASON } from './brief.js';

/** What a v5 client is told with the end of its connection: why (undefined: it does not want to know), and where to go. */
export function endProperties(cause: string | undefined, serverReference: string | undefined): Properties | null {
  if (cause === undefined && serverReference === undefined) return null;
  return {
    ...(serverReference === undefined ? {} : { serverReference }),
    ...(cause === undefined ? {} : { reasonString: brief(cause, MAX_REASON) }),
  };
}

const FIRST_MS = 500;
const MAX_MS = 10_000;

/** How long to wait before attempt number `attempt` (from 0), spread by `random` (0..1) so that browsers don't come all at once. */
export function backoffMs(attempt: number, random: number): number {
  const base = Math.min(MAX_MS, FIRST_MS * 2 ** attempt);
  return Math.round(base * (0.75 + random / 2));
}

/** A candidate can't be measured here; the message says why. The others are. */
export class Unavailable extends Error {}

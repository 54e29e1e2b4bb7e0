/** Exception codes of the Modbus application protocol, section 7. */
export const Exception = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  busy: 6,
  noTarget: 11,
} as const;

/** Ends the carrying out of a request; it is answered with the exception. */
export class Refused extends Error {
  constructor(readonly exception: number) {
    super(`exception ${exception}`);
  }
}

/** How the program ends. Scripts and the systemd unit rely on these: a number is never given another meaning. */
export const EXIT = {
  /** Done, or stopped as asked. */
  OK: 0,
  /** The configuration (or the rules) are not valid. */
  INVALID_CONFIG: 1,
  /** An unknown command or option. */
  USAGE: 2,
  /** The gateway could not start. */
  CANNOT_START: 3,
  /** The store failed while running: started again, it recovers. */
  STORE_FAILED: 4,
  /** A fault in the program, or a stop that took too long or was forced. */
  FAULT: 5,
  /** A tool could not do what it was asked: nobody answers, the device or the gateway refuses. */
  NOT_DONE: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Record<ExitCode, string> = {
  0: 'done, or stopped as asked',
  1: 'the configuration or the rules are not valid',
  2: 'unknown command or option',
  3: 'the gateway could not start',
  4: 'the store failed while running; started again, it recovers',
  5: 'a fault in the program, or a stop that was forced',
  6: 'a tool could not do what it was asked: no answer, or a refusal',
};

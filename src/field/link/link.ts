/** A byte pipe: one TCP connection or one opening of a serial port. Never reused: a reconnect makes a new one. */
export interface Link {
  write(data: Buffer): void;
  /** Nothing that is worth looking at comes within so many ms; a serial port is left alone for so long. */
  pause?(ms: number): void;
  /** Bytes that were written and not taken yet. */
  readonly pending?: number;
  /** Ends the link at once; `closed` is not called for it. */
  close(): Promise<void>;
}

export interface LinkHandlers {
  data(chunk: Buffer): void;
  /** Called once when the link is lost. */
  closed(error: Error): void;
}

export interface LinkOpener {
  /** For people: `192.168.1.50:502`, `/dev/ttyUSB0 19200 8E1`. */
  readonly endpoint: string;
  /** ms: the longest pause between tries where the usual one is too long. */
  readonly longestDelay?: number;
  /** Rejects with an error in words. `signal` ends the attempt. */
  open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link>;
  /** What was opened last has answered. */
  proven?(): void;
  /** What was opened last is not the first choice, which can be had again: a reset leads there. */
  readonly hasBetter?: boolean;
  /** Ends what outlives a link (a port that is listened on). */
  close?(): Promise<void>;
}

import { messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { LineConfig } from '../schema.js';
import { showLineErrors } from './line-errors.js';
import type { Link, LinkHandlers, LinkOpener } from './link.js';
import { explainPort, findPort, PortProblem, refuseSharedPort } from './port-name.js';
import { readPort } from './port-reader.js';

const PARITY_LETTER = { none: 'N', even: 'E', odd: 'O' } as const;

/** Bits on the wire per character: start, data, parity, stop. */
export function bitsPerCharacter(line: LineConfig): number {
  return 1 + line.data_bits + (line.parity === 'none' ? 0 : 1) + line.stop_bits;
}

/** The settings of a line as serialport takes them. */
export function portSettings(line: LineConfig) {
  return {
    baudRate: line.baud,
    dataBits: line.data_bits,
    parity: line.parity,
    // Of 5 data bits, hardware makes 1.5 stop bits where 2 are set.
    stopBits: line.stop_bits === 1.5 ? 2 : line.stop_bits,
    rtscts: line.flow_control === 'rts_cts',
    xon: line.flow_control === 'xon_xoff',
    xoff: line.flow_control === 'xon_xoff',
  } as const;
}

/** Openings of a serial port. A new SerialPort for each: a port object that lost its device never works again. */
export class SerialOpener implements LinkOpener {
  readonly endpoint: string;
  /** Looking for an adapter costs nearly nothing: it is taken up soon after it returned. */
  readonly longestDelay = 2000;
  readonly #line: LineConfig;
  readonly #log: Logger;
  /** It was said that bytes with errors can't be told; not again at every opening. */
  #hasWarned = false;

  constructor(line: LineConfig, log: Logger) {
    this.#line = line;
    this.#log = log;
    this.endpoint = `${line.port} ${line.baud} ${line.data_bits}${PARITY_LETTER[line.parity]}${line.stop_bits}`;
  }

  async open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link> {
    const line = this.#line;
    const path = await this.#prepare();
    // Loaded only now: many gateways have no serial line.
    const { SerialPort } = await import('serialport');
    const port = new SerialPort({ path, ...portSettings(line), autoOpen: false });
    let failure: Error | null = null;
    let lost = false;
    const onLost = (error: Error | null) => {
      if (lost) return;
      lost = true;
      handlers.closed(error ?? failure ?? new Error(`${line.port} is gone`));
    };
    const problem = await new Promise<Error | null>((resolve) => port.open(resolve));
    if (problem !== null) throw new Error((await explainPort(line.port, path, problem)).line);
    this.#warn(await showLineErrors(path));
    const reader = readPort(port);
    port.on('error', (error) => {
      failure = error;
      if (port.isOpen) port.close(() => onLost(error));
      else onLost(error);
    });
    port.on('close', (error: Error | null) =>
      onLost(error ? new Error(`${line.port} was unplugged or hung up (${messageOf(error)})`) : null),
    );
    // A data listener from the start: without one a loss is noticed only at the next write.
    port.on('data', handlers.data);
    const close = async () => {
      lost = true;
      port.removeListener('data', handlers.data);
      if (port.isOpen) await new Promise<void>((done) => port.close(() => done()));
    };
    if (signal.aborted) {
      await close();
      throw new Error(`opening ${line.port} was given up`);
    }
    // What waited in the kernel from before this opening has no place in time.
    await new Promise<void>((done) => port.flush(() => done()));
    if (lost) throw failure ?? new Error(`${line.port} was lost while it was opened`);
    return {
      write: (data) => void port.write(data),
      get pending() {
        return port.writableLength;
      },
      pause: (ms) => reader.pause(ms),
      close,
    };
  }

  /** Without it bytes that arrive wrong are left out, and what has no check sum may be a wrong value: never without a word. */
  #warn(error: string | null): void {
    if (error === null || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#log.warn({ port: this.#line.port, error }, 'bytes with a wrong parity or stop bit can not be told from none: stty did not work');
  }

  /** The device file, which nobody else has open. */
  async #prepare(): Promise<string> {
    try {
      const path = await findPort(this.#line.port);
      await refuseSharedPort(this.#line.port, path);
      return path;
    } catch (error) {
      if (error instanceof PortProblem) throw new Error(error.line);
      throw error;
    }
  }
}

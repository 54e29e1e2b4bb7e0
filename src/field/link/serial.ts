import { messageOf } from '../../errors.js';
import type { LineConfig } from '../schema.js';
import type { Link, LinkHandlers, LinkOpener } from './link.js';
import { readPort } from './port-reader.js';

const PARITY_LETTER = { none: 'N', even: 'E', odd: 'O' } as const;

/** Bits on the wire per character: start, data, parity, stop. */
export function bitsPerCharacter(line: LineConfig): number {
  return 1 + line.data_bits + (line.parity === 'none' ? 0 : 1) + line.stop_bits;
}

/** Openings of a serial port. A new SerialPort for each: a port object that lost its device never works again. */
export class SerialOpener implements LinkOpener {
  readonly endpoint: string;
  readonly #line: LineConfig;

  constructor(line: LineConfig) {
    this.#line = line;
    this.endpoint = `${line.port} ${line.baud} ${line.data_bits}${PARITY_LETTER[line.parity]}${line.stop_bits}`;
  }

  async open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link> {
    const line = this.#line;
    // Loaded only now: many gateways have no serial line.
    const { SerialPort } = await import('serialport');
    const port = new SerialPort({
      path: line.port,
      baudRate: line.baud,
      dataBits: line.data_bits,
      parity: line.parity,
      stopBits: line.stop_bits,
      rtscts: line.flow_control === 'rts_cts',
      xon: line.flow_control === 'xon_xoff',
      xoff: line.flow_control === 'xon_xoff',
      autoOpen: false,
    });
    let failure: Error | null = null;
    let lost = false;
    const onLost = (error: Error | null) => {
      if (lost) return;
      lost = true;
      handlers.closed(error ?? failure ?? new Error(`${line.port} is gone`));
    };
    await new Promise<void>((resolve, reject) => {
      port.open((error) => (error ? reject(new Error(explain(line.port, error))) : resolve()));
    });
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
    return { write: (data) => void port.write(data), pause: (ms) => reader.pause(ms), close };
  }
}

function explain(path: string, error: Error): string {
  const text = messageOf(error);
  if (/no such file/i.test(text)) return `there is no ${path}: is the adapter plugged in?`;
  if (/permission denied/i.test(text)) return `${path} may not be opened by this user: add it to the group dialout`;
  if (/lock|busy|resource temporarily unavailable/i.test(text)) return `${path} is used by another program`;
  return `${path} can't be opened: ${text}`;
}

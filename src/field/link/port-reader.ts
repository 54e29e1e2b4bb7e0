import { readSync } from 'node:fs';
import type { SerialPort } from 'serialport';

/** What of serialport's Linux binding is used here (bindings-cpp 13). */
interface LinuxPort {
  fd: number | null;
  isOpen: boolean;
  poller: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>;
}

/** Shorter pauses are not worth a timer: these count whole milliseconds. */
const SHORTEST_PAUSE_MS = 2;

/** How an open port is read. */
export interface PortReader {
  /** Nothing that is worth looking at comes within so many ms: what comes is left in the kernel for so long. */
  pause(ms: number): void;
}

const OTHER_PLATFORM: PortReader = { pause: () => {} };

/**
 * Reads a port in serialport's place, for two reasons.
 *
 * serialport reads again at once when a read gives nothing. A line that hung up (the adapter was pulled, the other side of
 * a pseudo terminal is gone) gives nothing for ever: it would spin and the loss go unnoticed. The port is opened so that a
 * read with nothing to give says EAGAIN (VMIN 1, not blocking), so nothing means that the line hung up.
 *
 * And it reads each byte of a slow line by itself, in another thread. Here the port is left alone while the rest of an
 * answer is on its way, and read at once when it is there: a read that can't block needs no thread.
 *
 * To be called after the port was opened and before anybody listens for data.
 */
export function readPort(port: SerialPort): PortReader {
  const binding = port.port as unknown as Partial<LinuxPort> | undefined;
  if (binding === undefined || !isLinuxPort(binding)) return OTHER_PLATFORM;
  let pausedUntil = 0;
  /** The last read took all there was. */
  let isEmpty = false;
  binding.read = async (buffer, offset, length) => {
    for (;;) {
      const pause = Math.floor(pausedUntil - performance.now());
      if (pause >= SHORTEST_PAUSE_MS) await new Promise((resolve) => setTimeout(resolve, pause).unref());
      else if (isEmpty) await untilReadable(binding);
      if (!binding.isOpen || binding.fd === null) throw canceled();
      const bytesRead = readNow(binding.fd, buffer, offset, length);
      isEmpty = bytesRead < length;
      if (bytesRead > 0) return { buffer, bytesRead };
    }
  };
  return {
    pause: (ms) => {
      pausedUntil = performance.now() + ms;
    },
  };
}

/** What there is; 0: nothing so far. Throws where the line hung up. */
function readNow(fd: number, buffer: Buffer, offset: number, length: number): number {
  try {
    const bytesRead = readSync(fd, buffer, offset, length, null);
    if (bytesRead > 0) return bytesRead;
  } catch (error) {
    if (isTryAgain(error)) return 0;
    throw error;
  }
  throw new Error('the line hung up');
}

function untilReadable({ poller }: LinuxPort): Promise<void> {
  return new Promise((resolve, reject) => {
    poller.once('readable', (error) => (error ? reject(error) : resolve()));
  });
}

function isLinuxPort(binding: Partial<LinuxPort>): binding is LinuxPort {
  return typeof binding.fd === 'number' && typeof binding.poller?.once === 'function' && typeof binding.read === 'function';
}

function isTryAgain(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EINTR';
}

/** How the binding itself says that it was closed: serialport keeps quiet about it. */
function canceled(): Error {
  return Object.assign(new Error('Port is not open'), { canceled: true });
}

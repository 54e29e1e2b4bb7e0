import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { SerialPort } from 'serialport';

const readFile = promisify(readCallback);

/** What of serialport's Linux binding is used here (bindings-cpp 13). */
interface LinuxPort {
  fd: number | null;
  isOpen: boolean;
  poller: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>;
}

/**
 * serialport reads again at once when a read gives nothing. A line that hung up (the adapter was pulled, the other side of
 * a pseudo terminal is gone) gives nothing for ever: it would spin and the loss go unnoticed. The port is opened so that a
 * read with nothing to give says EAGAIN (VMIN 1, not blocking), so nothing means that the line hung up.
 *
 * To be called after the port was opened and before anybody listens for data.
 */
export function noticeHangUp(port: SerialPort): void {
  const binding = port.port as unknown as Partial<LinuxPort> | undefined;
  if (binding === undefined || !isLinuxPort(binding)) return;
  binding.read = async (buffer, offset, length) => {
    for (;;) {
      if (!binding.isOpen || binding.fd === null) throw canceled();
      try {
        const { bytesRead } = await readFile(binding.fd, buffer, offset, length, null);
        if (bytesRead > 0) return { buffer, bytesRead };
        throw new Error('the line hung up');
      } catch (error) {
        if (!isTryAgain(error)) throw error;
      }
      if (!binding.isOpen) throw canceled();
      await new Promise<void>((resolve, reject) => {
        binding.poller.once('readable', (error) => (error ? reject(error) : resolve()));
      });
    }
  };
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

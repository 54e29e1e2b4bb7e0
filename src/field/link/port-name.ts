import { readFile, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { portUsers } from './port-users.js';
import { listSerialPorts } from './ports.js';

/** Why a port can't be used, in words, and what to do. */
export class PortProblem extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'PortProblem';
    this.hint = hint;
  }
  /** Both in one line. */
  get line(): string {
    return `${this.message}: ${this.hint}`;
  }
}

const USB = /^usb:([^:]+)(?::([0-9]+))?$/;

/** Whether a text can be a `port`: a device file, or `usb:` with a serial number and, for adapters with several ports, which. */
export function isPortName(port: string): boolean {
  return port.startsWith('/') || USB.test(port);
}

/** The device file behind a name, as it is plugged in now. Throws a PortProblem. */
export async function findPort(port: string, root = '/'): Promise<string> {
  const usb = USB.exec(port);
  if (usb !== null) return findUsb(port, usb[1] ?? '', usb[2] === undefined ? null : Number(usb[2]), root);
  const base = await realpath(root);
  const found = await realpath(join(base, port)).catch(() => null);
  if (found === null) throw new PortProblem(`there is no ${port}`, `is the adapter plugged in? ${await whatIsThere(root)}`);
  return base === '/' ? found : found.slice(base.length);
}

async function findUsb(port: string, serial: string, part: number | null, root: string): Promise<string> {
  const ports = await listSerialPorts(root);
  const found = ports.filter(({ usb }) => usb?.serial === serial && (part === null || usb.interface === part));
  const [only, second] = found;
  if (only === undefined) {
    throw new PortProblem(
      `there is no USB adapter with the serial number ${port.slice(4)}`,
      `is it plugged in? ${await whatIsThere(root)}`,
    );
  }
  if (second !== undefined) {
    const names = found.map(({ path, usb }) => (usb?.interface == null ? path : `${path} (usb:${serial}:${usb.interface})`)).join(', ');
    throw new PortProblem(`${port} can be ${names}`, 'name the interface, or use a name under /dev/serial/by-path');
  }
  return only.path;
}

async function whatIsThere(root: string): Promise<string> {
  const ports = await listSerialPorts(root);
  return ports.length === 0 ? 'this machine has no serial port now' : `there are now: ${ports.map(({ name }) => name).join(', ')}`;
}

/** Throws a PortProblem where another program has the device file open: both would lose bytes to one another. */
export async function refuseSharedPort(port: string, path: string, root = '/'): Promise<void> {
  const others = ((await portUsers(root)).get(path) ?? []).filter(({ pid }) => pid !== process.pid);
  if (others.length > 0) throw inUse(port, others.map(({ pid, program }) => `${program} (pid ${pid})`).join(', '));
}

function inUse(port: string, who: string): PortProblem {
  return new PortProblem(`${port} is used by ${who}`, 'a line can have one reader only: end the other, or take the port from it');
}

/** What an error at opening means. `port`: as configured; `path`: the device file. */
export async function explainPort(port: string, path: string, error: unknown, root = '/'): Promise<PortProblem> {
  const text = messageOf(error);
  if (/no such (file|device)|ENOENT|ENODEV|ENXIO/i.test(text)) {
    return new PortProblem(`there is no ${port}`, `is the adapter plugged in? ${await whatIsThere(root)}`);
  }
  if (/permission denied|EACCES|EPERM|not permitted/i.test(text)) {
    const group = await groupOf(join(root, path), root);
    const user = userInfo().username;
    const hint =
      group === null || group === 'root'
        ? 'add a udev rule that gives it to the group dialout, and this user to that group'
        : `sudo usermod -aG ${group} ${user}, then start the gateway again`;
    return new PortProblem(`${port} may not be opened by the user ${user}`, hint);
  }
  if (/lock|busy|resource temporarily unavailable|EBUSY|EAGAIN/i.test(text)) {
    const users = (await portUsers(root)).get(path) ?? [];
    const other = users.find(({ pid }) => pid !== process.pid);
    if (other !== undefined) return inUse(port, `${other.program} (pid ${other.pid})`);
    if (users.length > 0) return inUse(port, 'another bus or tool of this gateway');
    return new PortProblem(`${port} is used by another program`, `which one, another user may see: sudo fuser -v ${path}`);
  }
  if (/inappropriate ioctl|ENOTTY|is a directory|EISDIR/i.test(text))
    return new PortProblem(`${port} is no serial port`, 'see ferrule serial ports');
  if (/input\/output error|EIO/i.test(text)) {
    return new PortProblem(`${port} does not work`, 'there is no hardware behind this name, or the adapter has failed: plug it in again');
  }
  return new PortProblem(`${port} can't be opened`, text);
}

async function groupOf(path: string, root: string): Promise<string | null> {
  try {
    const { gid } = await stat(path);
    const groups = await readFile(join(root, 'etc/group'), 'utf8');
    return (
      groups
        .split('\n')
        .find((line) => line.split(':')[2] === String(gid))
        ?.split(':')[0] ?? null
    );
  } catch {
    return null;
  }
}

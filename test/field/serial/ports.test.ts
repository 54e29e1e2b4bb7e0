import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { explainPort, findPort, isPortName, PortProblem, refuseSharedPort } from '../../../src/field/link/port-name.js';
import { listSerialPorts } from '../../../src/field/link/ports.js';
import { tempDir } from '../../support/temp-dir.js';

/** A machine of files: what /sys, /dev and /proc say of serial ports. */
class Machine {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async file(path: string, content = ''): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), content);
  }

  /** `target` counts from the root. */
  async link(path: string, target: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await symlink(`${'../'.repeat(path.split('/').length - 2)}${target.slice(1)}`, join(this.root, path));
  }

  /** A port of the board. `type` as the kernel numbers them; 0: nothing is there. */
  async board(name: string, driver: string, type: string | null): Promise<void> {
    const device = `/sys/devices/platform/soc/${name}.serial`;
    await this.link(`${device}/driver`, `/sys/bus/platform/drivers/${driver}`);
    await this.link(`/sys/class/tty/${name}/device`, device);
    if (type !== null) await this.file(`/sys/class/tty/${name}/type`, `${type}\n`);
    await this.file(`/dev/${name}`);
  }

  /** An adapter in a socket such as `1-1.2`. */
  async usb(name: string, socket: string, port: number, about: Record<string, string>): Promise<void> {
    const device = `/sys/devices/pci0000:00/usb1/${socket}`;
    const own = `${device}/${socket}:1.${port}/${name}`;
    for (const [key, value] of Object.entries(about)) await this.file(`${device}/${key}`, `${value}\n`);
    await this.file(`${device}/${socket}:1.${port}/bInterfaceNumber`, `0${port}\n`);
    await this.link(`${own}/driver`, '/sys/bus/usb-serial/drivers/ftdi_sio');
    await this.link(`/sys/class/tty/${name}/device`, own);
    await this.file(`/dev/${name}`);
    await this.link(`/dev/serial/by-path/platform-usb-0:${socket.slice(2)}:1.${port}-port0`, `/dev/${name}`);
  }

  async process(pid: number, program: string, open: readonly string[]): Promise<void> {
    await this.file(`/proc/${pid}/comm`, `${program}\n`);
    await mkdir(join(this.root, `/proc/${pid}/fd`), { recursive: true });
    for (const [index, path] of open.entries()) await symlink(path, join(this.root, `/proc/${pid}/fd/${index}`));
  }
}

const FTDI = { idVendor: '0403', idProduct: '6001', serial: 'A50285BI', manufacturer: 'FTDI', product: 'FT232R USB UART' };
const CH340 = { idVendor: '1a86', idProduct: '7523', product: 'USB Serial' };

async function machine(t: TestContext): Promise<Machine> {
  const made = new Machine(await tempDir(t));
  await made.usb('ttyUSB0', '1-1.2', 0, FTDI);
  await made.link('/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0', '/dev/ttyUSB0');
  await made.usb('ttyUSB10', '1-1.3', 0, CH340);
  await made.link('/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0', '/dev/ttyUSB10');
  for (const [name, driver, type] of [
    ['ttymxc2', 'imx-uart', '62'],
    ['ttyTHS1', 'serial-tegra', '20'],
    ['ttyLP0', 'fsl-lpuart', '103'],
    ['ttyAMA0', 'uart-pl011', '32'],
    ['ttyS0', 'serial8250', '4'],
    ['ttyS1', 'serial8250', '0'],
  ] as const) {
    await made.board(name, driver, type);
  }
  // Terminals of the screen have no device; this one's file is gone.
  await made.file('/sys/class/tty/tty1/dev', '4:1\n');
  await made.usb('ttyUSB3', '1-1.4', 0, FTDI);
  await rm(join(made.root, 'dev/ttyUSB3'));
  await made.file('/sys/class/tty/console/active', 'tty0 ttyS0\n');
  return made;
}

describe('the serial ports of a machine', () => {
  test('adapters and ports of the board are listed; consoles of the screen, empty slots and what is gone are not', async (t) => {
    const ports = await listSerialPorts((await machine(t)).root);
    assert.deepEqual(
      ports.map(({ path }) => path),
      ['/dev/ttyAMA0', '/dev/ttyLP0', '/dev/ttymxc2', '/dev/ttyS0', '/dev/ttyTHS1', '/dev/ttyUSB0', '/dev/ttyUSB10'],
    );
  });

  test('an adapter with a serial number is best named by it, one without by its socket, a port of the board by itself', async (t) => {
    const ports = await listSerialPorts((await machine(t)).root);
    const name = (path: string) => ports.find((port) => port.path === path)?.name;
    assert.equal(name('/dev/ttyUSB0'), '/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0');
    assert.equal(name('/dev/ttyUSB10'), '/dev/serial/by-path/platform-usb-0:1.3:1.0-port0');
    assert.equal(name('/dev/ttymxc2'), '/dev/ttymxc2');
  });

  test('what it is, who made it, which driver, whether the kernel talks there, who has it open', async (t) => {
    const made = await machine(t);
    await made.process(412, 'ModemManager', ['/dev/null', '/dev/ttyUSB0']);
    const ports = await listSerialPorts(made.root);
    const { usb, driver, users, isAllowed, isConsole } = ports.find(({ path }) => path === '/dev/ttyUSB0')!;
    assert.deepEqual(usb, {
      vendorId: '0403',
      productId: '6001',
      serial: 'A50285BI',
      manufacturer: 'FTDI',
      product: 'FT232R USB UART',
      interface: 0,
    });
    assert.deepEqual([driver, users, isAllowed, isConsole], ['ftdi_sio', [{ pid: 412, program: 'ModemManager' }], true, false]);
    const board = ports.find(({ path }) => path === '/dev/ttyS0')!;
    assert.deepEqual([board.usb, board.driver, board.isConsole], [null, 'serial8250', true]);
  });

  test('a machine without any of it has no ports', async (t) => {
    assert.deepEqual(await listSerialPorts(await tempDir(t)), []);
  });
});

describe('the name of a port', () => {
  test('by-id, by-path, the file itself and the serial number lead to the device file of now', async (t) => {
    const made = await machine(t);
    for (const name of [
      '/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0',
      '/dev/serial/by-path/platform-usb-0:1.2:1.0-port0',
      '/dev/ttyUSB0',
      'usb:A50285BI',
      'usb:A50285BI:0',
    ]) {
      assert.equal(await findPort(name, made.root), '/dev/ttyUSB0', name);
    }
  });

  test('the same serial number under another number is found there', async (t) => {
    const made = await machine(t);
    for (const path of ['sys/class/tty/ttyUSB0', 'dev/ttyUSB0']) await rm(join(made.root, path), { recursive: true });
    await assert.rejects(findPort('usb:A50285BI', made.root), /there is no USB adapter with the serial number A50285BI/);
    await made.usb('ttyUSB1', '1-1.1', 0, FTDI);
    assert.equal(await findPort('usb:A50285BI', made.root), '/dev/ttyUSB1');
  });

  test('of an adapter with two ports one must be named', async (t) => {
    const made = await machine(t);
    await made.usb('ttyUSB5', '1-2', 0, { ...FTDI, serial: 'FT4232' });
    await made.usb('ttyUSB6', '1-2', 1, {});
    await assert.rejects(findPort('usb:FT4232', made.root), {
      message: /can be \/dev\/ttyUSB5 \(usb:FT4232:0\), \/dev\/ttyUSB6 \(usb:FT4232:1\)/,
    });
    assert.equal(await findPort('usb:FT4232:1', made.root), '/dev/ttyUSB6');
  });

  test('what is missing is said together with what is there', async (t) => {
    const made = await machine(t);
    await assert.rejects(findPort('/dev/ttyUSB7', made.root), (error) => {
      assert.ok(error instanceof PortProblem);
      assert.equal(error.message, 'there is no /dev/ttyUSB7');
      assert.match(error.hint, /is the adapter plugged in\? there are now: .*ttyAMA0.*A50285BI/);
      return true;
    });
    await assert.rejects(findPort('/dev/ttyUSB7', await tempDir(t)), { hint: /no serial port now/ });
  });

  test('what can be a name', () => {
    for (const name of ['/dev/ttyS0', 'usb:A1', 'usb:A1:2']) assert.equal(isPortName(name), true, name);
    for (const name of ['ttyS0', 'COM3', 'usb:', 'usb:A1:x', '']) assert.equal(isPortName(name), false, name);
  });
});

describe('why a port is not opened', () => {
  test('another program has it open: which one', async (t) => {
    const made = await machine(t);
    await made.process(412, 'minicom', ['/dev/ttyUSB0']);
    await assert.rejects(refuseSharedPort('usb:A50285BI', '/dev/ttyUSB0', made.root), {
      message: 'usb:A50285BI is used by minicom (pid 412)',
    });
    await refuseSharedPort('/dev/ttyS0', '/dev/ttyS0', made.root);
  });

  test('who has the other side of a pseudo terminal is no second reader of it', async (t) => {
    const made = await machine(t);
    await made.process(500, 'socat', ['/dev/pts/ptmx', '/dev/pts/4']);
    await refuseSharedPort('/tmp/ours', '/dev/pts/4', made.root);
    await made.process(501, 'cat', ['/dev/pts/4']);
    await assert.rejects(refuseSharedPort('/tmp/ours', '/dev/pts/4', made.root), { message: /used by cat \(pid 501\)/ });
  });

  test('what an error at opening means, and what to do', async (t) => {
    const made = await machine(t);
    await made.file('/etc/group', `root:x:0:\ndialout:x:${process.getgid?.() ?? 0}:\n`);
    await chmod(join(made.root, 'dev/ttyUSB0'), 0o660);
    const explain = async (text: string) => (await explainPort('/dev/ttyUSB0', '/dev/ttyUSB0', new Error(text), made.root)).line;
    assert.match(
      await explain('Error: Permission denied, cannot open /dev/ttyUSB0'),
      /may not be opened by the user \S+: .*(usermod -aG|group dialout)/,
    );
    assert.match(await explain('Error: No such file or directory, cannot open /dev/ttyUSB0'), /there is no .*: is the adapter plugged in/);
    assert.match(
      await explain('Error Resource temporarily unavailable Cannot lock port'),
      /used by another program: .* sudo fuser -v \/dev\/ttyUSB0/,
    );
    assert.match(await explain('Error: Inappropriate ioctl for device, cannot open'), /is no serial port/);
    assert.match(await explain('Error: Input/output error, cannot open'), /does not work: there is no hardware/);
    assert.match(await explain('Error: Something new'), /can't be opened: Error: Something new/);
    await made.process(process.pid, 'node', ['/dev/ttyUSB0']);
    assert.match(await explain('Error Resource temporarily unavailable Cannot lock port'), /used by another bus or tool of this gateway/);
    await made.process(77, 'gpsd', ['/dev/ttyUSB0']);
    assert.match(await explain('Error Resource temporarily unavailable Cannot lock port'), /used by gpsd \(pid 77\)/);
  });
});

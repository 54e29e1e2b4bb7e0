"""A Modbus server of pymodbus that a test controls through lines on its standard input.

  pymodbus_server.py tcp PORT | rtu-tcp PORT | ascii-tcp PORT | rtu DEVICE | ascii DEVICE [UNITS [SIZE]]
  SIZE: registers and bits of each table, default 2000
  set UNIT AREA ADDRESS VALUE...    AREA: holding, input, coil, discrete
  get UNIT AREA ADDRESS COUNT       answers "values ..."
  lose COUNT                        the next so many writes are carried out, their answers lost
  writes                            answers "values " and UNIT:FUNCTION:ADDRESS=VALUES of every write, in order
Every command is answered by one line.

pymodbus decodes, executes and encodes; its own servers need pyserial, which Debian only recommends, so the socket and
the terminal are ours.
"""
import asyncio
import os
import sys
import termios
import tty

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusControlBlock
from pymodbus.factory import ServerDecoder
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer

FUNCTION = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
WRITES = (5, 6, 15, 16, 22)

journal = []
lost = 0


def describe_write(request):
    values = getattr(request, "values", None)
    if values is None:
        values = [request.and_mask, request.or_mask] if request.function_code == 22 else [request.value]
    shown = ",".join(str(int(value)) for value in values)
    return f"{request.unit_id}:{request.function_code}:{request.address}={shown}"


def make_context(units, size):
    def unit():
        blocks = [ModbusSequentialDataBlock(0, [0] * size) for _ in range(4)]
        return ModbusSlaveContext(di=blocks[0], co=blocks[1], hr=blocks[2], ir=blocks[3], zero_mode=True)

    return ModbusServerContext(slaves={number: unit() for number in units}, single=False)


def command(context, words):
    global lost
    if words[0] == "lose":
        lost = int(words[1])
        return "done"
    if words[0] == "writes":
        return "values " + " ".join(journal)
    verb, unit, area, address, *rest = words
    store = context[int(unit)]
    numbers = [int(word, 0) for word in rest]
    if verb == "set":
        store.setValues(FUNCTION[area], int(address), numbers)
        return "done"
    if verb == "get":
        values = store.getValues(FUNCTION[area], int(address), numbers[0])
        return "values " + " ".join(str(int(value)) for value in values)
    return "unknown command"


async def commands(context):
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        line = await reader.readline()
        if not line:
            return
        print(command(context, line.decode().split()), flush=True)


class Connection:
    """Bytes in, bytes out: one client of TCP, or the line."""

    def __init__(self, context, framer, write):
        self.context, self.write = context, write
        self.hears_broadcasts = framer is not ModbusSocketFramer
        self.framer = framer(ServerDecoder(), client=None)

    def feed(self, data):
        # With a 0 among them the framer lets every unit pass: broadcasts are heard too.
        units = [*self.context.slaves(), 0]
        self.framer.processIncomingPacket(data, self.execute, unit=units, single=False)

    def execute(self, request):
        if request.unit_id == 0 and self.hears_broadcasts:
            for unit in self.context.slaves():
                request.execute(self.context[unit])
            return
        if request.unit_id not in self.context.slaves():
            return
        response = request.execute(self.context[request.unit_id])
        response.transaction_id = request.transaction_id
        response.unit_id = request.unit_id
        if request.function_code in WRITES:
            global lost
            journal.append(describe_write(request))
            if lost > 0:
                lost -= 1
                return
        self.write(self.framer.buildPacket(response))


async def serve_tcp(context, port, framer):
    async def client(reader, writer):
        connection = Connection(context, framer, writer.write)
        while data := await reader.read(1024):
            connection.feed(data)
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", port)
    return server.sockets[0].getsockname()[1]


async def serve_line(context, device, framer):
    line = os.open(device, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line, termios.TCSANOW)
    connection = Connection(context, framer, lambda data: os.write(line, data))
    loop = asyncio.get_running_loop()

    def readable():
        try:
            connection.feed(os.read(line, 1024))
        except OSError:
            loop.remove_reader(line)

    loop.add_reader(line, readable)
    return device


def identify():
    identity = ModbusControlBlock().Identity
    identity.VendorName = "Test Works"
    identity.ProductCode = "PM-1"
    identity.MajorMinorRevision = "3.0"


async def main():
    identify()
    kind, where = sys.argv[1], sys.argv[2]
    units = [int(unit) for unit in sys.argv[3].split(",")] if len(sys.argv) > 3 else [1]
    context = make_context(units, int(sys.argv[4]) if len(sys.argv) > 4 else 2000)
    framer = ModbusAsciiFramer if kind.startswith("ascii") else ModbusSocketFramer if kind == "tcp" else ModbusRtuFramer
    place = await (serve_tcp(context, int(where), framer) if kind.endswith("tcp") else serve_line(context, where, framer))
    print(f"listening {place}", flush=True)
    # Without a parent there is nobody to serve.
    await commands(context)


asyncio.run(main())

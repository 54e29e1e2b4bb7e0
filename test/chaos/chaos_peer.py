"""Modbus servers of pymodbus whose registers say who they are and when they were read.

  chaos_peer.py UNITS       prints "listening TCP-PORT RTU-OVER-TCP-PORT ASCII-OVER-TCP-PORT"
A register below 1000 holds (unit * 4099 + address * 37 + generation * 1009) & 0xffff, a generation lasts 4 ms of the wall
clock. Registers from 1000 on keep what is written to them. A line "journal" on standard input is answered with what was
written so far: "UNIT:ADDRESS:VALUE ..."; requests are counted.

pymodbus decodes, executes and encodes; the sockets are ours, as in pymodbus_server.py.
"""
import asyncio
import sys
import time

from pymodbus.factory import ServerDecoder
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.interfaces import IModbusSlaveContext

GENERATION_S = 0.004
SCRATCH = 1000
SIZE = 2000
# A device takes what comes after such a pause for the beginning of a request.
PAUSE_S = 0.02

journal = []


class Registers(IModbusSlaveContext):
    def __init__(self, unit):
        self.unit = unit
        self.kept = [0] * SIZE

    def validate(self, fx, address, count=1):
        return count > 0 and address + count <= SIZE

    def getValues(self, fx, address, count=1):
        if address >= SCRATCH:
            return self.kept[address : address + count]
        generation = int(time.time() / GENERATION_S)
        return [(self.unit * 4099 + at * 37 + generation * 1009) & 0xFFFF for at in range(address, address + count)]

    def setValues(self, fx, address, values):
        for at, value in enumerate(values, address):
            if at >= SCRATCH:
                self.kept[at] = int(value)
                journal.append(f"{self.unit}:{at}:{int(value)}")

    def reset(self):
        pass


class Connection:
    def __init__(self, units, framer, write):
        self.units, self.write, self.make = units, write, framer
        self.framer = framer(ServerDecoder(), client=None)
        self.heard = 0.0

    def feed(self, data):
        now = time.monotonic()
        if now - self.heard > PAUSE_S:
            self.framer = self.make(ServerDecoder(), client=None)
        self.heard = now
        try:
            self.framer.processIncomingPacket(data, self.execute, unit=list(self.units), single=False)
        except Exception:
            # pymodbus does not survive every garbled request; a device would.
            self.framer = self.make(ServerDecoder(), client=None)

    def execute(self, request):
        response = request.execute(self.units[request.unit_id])
        response.transaction_id = request.transaction_id
        response.unit_id = request.unit_id
        self.write(self.framer.buildPacket(response))


async def serve(units, framer):
    async def client(reader, writer):
        connection = Connection(units, framer, writer.write)
        try:
            while data := await reader.read(4096):
                connection.feed(data)
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


async def main():
    units = {int(unit): Registers(int(unit)) for unit in sys.argv[1].split(",")}
    tcp = await serve(units, ModbusSocketFramer)
    rtu = await serve(units, ModbusRtuFramer)
    ascii = await serve(units, ModbusAsciiFramer)
    print(f"listening {tcp} {rtu} {ascii}", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line.strip() == b"journal":
            print("journal " + " ".join(journal), flush=True)


asyncio.run(main())

"""A Modbus master of pymodbus that a test controls through lines on its standard input.

  pymodbus_master.py PORT [rtu]      rtu: RTU frames over TCP
  read UNIT AREA ADDRESS COUNT       AREA: holding, input, coil, discrete
  coil UNIT ADDRESS VALUE            function 5; coils: function 15, with several values
  register UNIT ADDRESS VALUE        function 6; registers: function 16, with several values
  mask UNIT ADDRESS AND OR           function 22
  exchange UNIT READ COUNT WRITE VALUE...   function 23
  identify UNIT                      function 43, MEI 14
  objects UNIT CODE OBJECT           the same, from an object on; all that follow are asked for: "objects ID=TEXT|..."
Every command is answered by one line: "values ...", "done", "exception CODE" or "error TEXT".
"""
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.mei_message import ReadDeviceInformationRequest


def objects(client, unit, code, first):
    """The last answer, with the objects of all."""
    found = {}
    while True:
        answer = client.execute(ReadDeviceInformationRequest(code, first, unit=unit))
        if isinstance(answer, Exception) or answer.isError():
            return answer
        found.update(answer.information)
        answer.information = found
        if not answer.more_follows:
            return answer
        first = answer.next_object_id


def ask(client, words):
    verb, unit, *rest = words
    unit = int(unit)
    if verb == "read":
        area, address, count = rest[0], int(rest[1]), int(rest[2])
        read = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[area]
        return read(address, count, slave=unit), count
    numbers = [int(word, 0) for word in rest]
    if verb == "coil":
        return client.write_coil(numbers[0], bool(numbers[1]), slave=unit), 0
    if verb == "coils":
        return client.write_coils(numbers[0], [bool(value) for value in numbers[1:]], slave=unit), 0
    if verb == "register":
        return client.write_register(numbers[0], numbers[1], slave=unit), 0
    if verb == "registers":
        return client.write_registers(numbers[0], numbers[1:], slave=unit), 0
    if verb == "mask":
        return client.mask_write_register(numbers[0], numbers[1], numbers[2], unit=unit), 0
    if verb == "exchange":
        answer = client.readwrite_registers(
            read_address=numbers[0], read_count=numbers[1], write_address=numbers[2], write_registers=numbers[3:], unit=unit
        )
        return answer, numbers[1]
    if verb == "identify":
        return client.execute(ReadDeviceInformationRequest(1, 0, unit=unit)), 0
    if verb == "objects":
        return objects(client, unit, numbers[0], numbers[1]), -1
    raise ValueError(verb)


def text(answer, count):
    if isinstance(answer, Exception):
        return f"error {answer}"
    if answer.isError():
        return f"exception {answer.exception_code}"
    if hasattr(answer, "information") and count < 0:
        return "objects " + "|".join(f"{name}={value.decode('latin1')}" for name, value in sorted(answer.information.items()))
    if hasattr(answer, "information"):
        return "values " + " ".join(value.decode() for _, value in sorted(answer.information.items()))
    values = getattr(answer, "registers", None) or getattr(answer, "bits", None)
    if count > 0 and values:
        return "values " + " ".join(str(int(value)) for value in values[:count])
    return "done"


framer = ModbusRtuFramer if sys.argv[2:] == ["rtu"] else ModbusSocketFramer
client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), framer=framer, timeout=10, retries=0)
client.connect()
print("connected", flush=True)
for line in sys.stdin:
    try:
        print(text(*ask(client, line.split())), flush=True)
    except Exception as error:  # the test sees what went wrong
        print(f"error {error!r}", flush=True)

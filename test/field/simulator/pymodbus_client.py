"""Runs calls of pymodbus' TCP client, given as JSON [[method, arguments...], ...], and prints their answers as JSON."""

import json
import sys

from pymodbus.client import ModbusTcpClient

port, calls = int(sys.argv[1]), json.loads(sys.argv[2])
client = ModbusTcpClient("127.0.0.1", port=port, timeout=5)
assert client.connect()
answers = []
for method, *arguments in calls:
    # These two take the unit id by its former name, and the second takes everything by name.
    unit = {"unit": 1} if method in ("mask_write_register", "readwrite_registers") else {"slave": 1}
    named = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    answer = getattr(client, method)(*arguments, **named, **unit)
    if answer.isError():
        answers.append({"exception": answer.exception_code})
    elif hasattr(answer, "bits"):
        answers.append({"bits": answer.bits})
    elif hasattr(answer, "registers"):
        answers.append({"registers": list(answer.registers)})
    else:
        answers.append({"address": answer.address})
client.close()
print(json.dumps(answers))

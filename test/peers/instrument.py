"""A serial instrument that a test scripts through lines on its standard input.

  instrument.py DEVICE
  send HEX            writes the bytes
  slow HEX            writes them one by one, 5 ms apart
  answer HEX HEX      from now on, answers the first bytes with the second ones
"""
import os
import select
import sys
import termios
import time
import tty

line = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
tty.setraw(line, termios.TCSANOW)
answers = {}
heard = b""
print("ready", flush=True)

while True:
    readable, _, _ = select.select([line, sys.stdin], [], [])
    if line in readable:
        try:
            heard += os.read(line, 1024)
        except OSError:
            sys.exit(0)
        for question, answer in answers.items():
            if question in heard:
                heard = heard.split(question, 1)[1]
                os.write(line, answer)
    if sys.stdin in readable:
        words = sys.stdin.readline().split()
        if not words:
            sys.exit(0)
        data = [bytes.fromhex(word) for word in words[1:]]
        if words[0] == "send":
            os.write(line, data[0])
        elif words[0] == "slow":
            for byte in data[0]:
                os.write(line, bytes([byte]))
                time.sleep(0.005)
        elif words[0] == "answer":
            answers[data[0]] = data[1]
        print("done", flush=True)

"""A scale on a serial line: prints a weight five times a second, rising from 10 to 90 kg and back.

  scale_instrument.py DEVICE
"""
import sys
import time
import tty

with open(sys.argv[1], "r+b", buffering=0) as line:
    tty.setraw(line)
    step = 0
    while True:
        weight = 10 + abs((step % 160) - 80)
        for byte in b"ST,%.2fkg\r\n" % (weight + (step % 7) / 100):
            line.write(bytes([byte]))
        step += 1
        time.sleep(0.2)

"""Vectors of every register type in every byte order, made by Python's struct: the tests compare ours with them.

Prints JSON: a list of {type, order, hex, value}. hex: the registers as a device sends them. value: an integer as text
of digits, a float as its repr (nan, inf, -inf), a BCD number as text.
"""
import json
import random
import struct

random.seed(20261121)

ORDERS = {
    2: ["AB", "BA", "ABCD", "BADC", "CDAB", "DCBA"],
    4: ["ABCD", "BADC", "CDAB", "DCBA"],
    8: ["ABCDEFGH", "BADCFEHG", "CDABGHEF", "DCBAHGFE", "EFGHABCD", "FEHGBADC", "GHEFCDAB", "HGFEDCBA",
        "ABCD", "BADC", "CDAB", "DCBA"],
}
# The four-letter orders say how registers and their bytes are turned, whatever the size.
SAME = {
    2: {"AB": "AB", "BA": "BA", "ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    8: {"ABCD": "ABCDEFGH", "BADC": "BADCFEHG", "CDAB": "GHEFCDAB", "DCBA": "HGFEDCBA"},
}


def arranged(natural, order):
    letters = SAME.get(len(natural), {}).get(order, order)
    return bytes(natural[ord(letter) - ord("A")] for letter in letters)


def integers(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    fixed = {low, low + 1, -1, 0, 1, 2, high - 1, high, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 1, -(2 ** 53) - 1, 0x0102030405060708}
    return sorted(value for value in fixed if low <= value <= high) + [random.randint(low, high) for _ in range(8)]


def floats(size):
    special = [0.0, -0.0, 1.0, -1.0, 21.1, 3.14, -273.15, float("nan"), float("inf"), float("-inf")]
    limits = {2: [65504.0, 6e-8, 6.1e-5], 4: [3.4028234663852886e38, 1e-45, 1.17549435e-38], 8: [1.7976931348623157e308, 5e-324, 1 / 3]}
    patterns = [random.getrandbits(size * 8).to_bytes(size, "big") for _ in range(8)]
    code = {2: ">e", 4: ">f", 8: ">d"}[size]
    return special + limits[size] + [struct.unpack(code, pattern)[0] for pattern in patterns]


vectors = []


def add(kind, natural, value):
    for order in ORDERS[len(natural)]:
        vectors.append({"type": kind, "order": order, "hex": arranged(natural, order).hex(), "value": value})


for code, bits, signed in [("h", 16, True), ("H", 16, False), ("i", 32, True), ("I", 32, False), ("q", 64, True), ("Q", 64, False)]:
    kind = ("int" if signed else "uint") + str(bits)
    for value in integers(bits, signed):
        add(kind, struct.pack(">" + code, value), str(value))
for code, size in [("e", 2), ("f", 4), ("d", 8)]:
    for value in floats(size):
        natural = struct.pack(">" + code, value)
        add("float" + str(size * 8), natural, repr(struct.unpack(">" + code, natural)[0]))
for digits in (4, 8):
    for value in [0, 1, 9, 10, 10 ** digits - 1] + [random.randrange(10 ** digits) for _ in range(6)]:
        add("bcd" + str(digits * 4), bytes.fromhex(str(value).zfill(digits)), str(value))

print(json.dumps(vectors))

# SPDX-License-Identifier: GPL-2.0-only
"""rfc.py list | send NAME [bad] - whole ESP packets that RFCs and drafts print

list: NAME SPI and setkey's algorithms, for each packet that an SA could receive:
an SPI that is not reserved, an integrity check, a number that a new window takes.
send: that packet from 10.1.0.2 to 10.1.0.1; bad: with the last bit of it wrong.
"""
import json
import socket
import sys

with open("rfc-vectors.json", encoding="ascii") as file:
    PACKETS = {p["id"]: p for p in json.load(file)["whole_packets"]}

if sys.argv[1] == "list":
    for name, p in PACKETS.items():
        if p["spi"] < 256 or not p["icv_len"] or not p["seq"] or p["seq_hi"]:
            continue
        algorithm = p["enc"]["setkey"].split()[0]
        esn = "-f esn" if p["esn"] else ""
        print(name, p["spi"], esn, "-E", algorithm, "0x" + p["enc"]["key"] + p["enc"]["salt"])
else:
    esp = bytearray.fromhex(PACKETS[sys.argv[2]]["esp"])
    if sys.argv[3:] == ["bad"]:
        esp[-1] ^= 1
    wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
    wire.sendto(esp, ("10.1.0.1", 0))

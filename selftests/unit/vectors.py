#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""vectors.py JSON - the RFCs' packets as tables for vectors.c, on standard output"""
import collections
import json
import sys

# The last is not the module's: vectors.c has a row for it.
ENC = {"aes-gcm-16": "SADB_X_EALG_AES_GCM_ICV16", "aes-cbc": "SADB_X_EALG_AESCBC",
       "chacha20-poly1305": "CHACHA20_POLY1305"}
AUTH = {"hmac-sha2-256-128": "SADB_X_AALG_SHA2_256HMAC",
        "hmac-sha2-384-192": "SADB_X_AALG_SHA2_384HMAC",
        "hmac-sha2-512-256": "SADB_X_AALG_SHA2_512HMAC"}


def hexes(text):
    return json.dumps(text or "")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        vectors = json.load(file)
    left = []
    print("static const struct packet packets[] = {")
    for packet in vectors["whole_packets"]:
        enc = packet["enc"]
        if enc["name"] not in ENC:
            left.append(enc["name"])
            continue
        high = packet["seq_hi"] if packet["esn"] else 0
        print(f"""	{{
		.id = "{packet['id']}", .enc = {ENC[enc['name']]},
		.key = {hexes(enc['key'])}, .salt = {hexes(enc['salt'])},
		.spi = {packet['spi']}u, .seq = {packet['seq']}u,
		.esn = {int(packet['esn'])}, .seq_hi = {high}u,
		.iv = {hexes(packet['iv'])}, .next_header = {packet['next_header']},
		.plain = {hexes(packet['esp_plaintext'])},
		.esp = {hexes(packet['esp'])},
	}},""")
    print("};\n\nstatic const struct digest digests[] = {")
    for item in vectors["primitives"]:
        if item["alg"] not in AUTH:
            left.append(item["alg"])
            continue
        print(f"""	{{
		.id = "{item['id']}", .auth = {AUTH[item['alg']]},
		.key = {hexes(item['key'])}, .data = {hexes(item['data'])},
		.icv = {hexes(item['icv'])},
	}},""")
    names = ", ".join(f"{n} of {name}" for name, n in collections.Counter(left).items())
    print(f"}};\n\nstatic const char left_out[] = {json.dumps(names)};")


main()

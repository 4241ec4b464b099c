#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""vectors.py JSON - the RFCs' packets as tables for vectors.c, on standard output"""
import json
import sys

ENC = {"aes-gcm-16": "SADB_X_EALG_AES_GCM_ICV16", "aes-cbc": "SADB_X_EALG_AESCBC",
       "chacha20-poly1305": "SADB_X_EALG_CHACHA20POLY1305",
       "null-aes-gmac": "SADB_X_EALG_NULL_AES_GMAC"}
AUTH = {"hmac-sha2-256-128": "SADB_X_AALG_SHA2_256HMAC",
        "hmac-sha2-384-192": "SADB_X_AALG_SHA2_384HMAC",
        "hmac-sha2-512-256": "SADB_X_AALG_SHA2_512HMAC",
        "aes-xcbc-mac-96": "SADB_X_AALG_AES_XCBC_MAC",
        "aes-cmac-96": "SADB_X_AALG_AES_CMAC"}


def hexes(text):
    return json.dumps(text or "")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        vectors = json.load(file)
    print("static const struct packet packets[] = {")
    for packet in vectors["whole_packets"]:
        enc = packet["enc"]
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
        if "icv" in item:
            print(f"""	{{
		.id = "{item['id']}", .auth = {AUTH[item['alg']]},
		.key = {hexes(item['key'])}, .data = {hexes(item['data'])},
		.icv = {hexes(item['icv'])},
	}},""")
    print("};\n\nstatic const struct stream streams[] = {")
    for item in vectors["primitives"]:
        if "icv" not in item:
            assert item["alg"] == "aes-ctr", item
            print(f"""	{{
		.id = "{item['id']}", .key = {hexes(item['key'])},
		.salt = {hexes(item['nonce'])}, .iv = {hexes(item['iv'])},
		.plain = {hexes(item['plaintext'])},
		.cipher = {hexes(item['ciphertext'])},
	}},""")
    print("};")


main()

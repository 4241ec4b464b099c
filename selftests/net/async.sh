#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 900
#
# async.sh - the same under ciphers that answer later, from elsewhere
#
# pcrypt hands each packet to another processor. Once instances of it exist they
# have the higher priority, and every SA made afterwards uses them.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a pcrypt algif_aead esplanade esp4 esp6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'

python3 - <<-'PY' || exit 1
	import socket
	for name in ("rfc4106(gcm(aes))", "authenc(hmac(sha256),cbc(aes))"):
	    try:
	        socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).bind(("aead", f"pcrypt({name})"))
	    except FileNotFoundError:
	        pass  # it is made, but goes by its driver's name
PY

# users ALGORITHM - how many hold the pcrypt instance that serves it
users() {
	awk -v name="$1" 'BEGIN {RS = ""} $0 ~ /driver *: pcrypt/ && index($0, ": " name "\n") {
		match($0, /refcnt *: [0-9]+/); n = substr($0, RSTART, RLENGTH)
		sub(/.*: /, "", n); print n}' /proc/crypto | sort -n | tail -n 1
}

for case in 'gcm128 rfc4106(gcm(aes)) 4 10.1.0.1 10.1.0.2' \
	'cbc192-sha256 authenc(hmac(sha256),cbc(aes)) 4 10.1.0.1 10.1.0.2' \
	'gcm256 rfc4106(gcm(aes)) 6 fd01::1 fd01::2'; do
	read -r name cipher family addr1 addr2 <<<"$case"
	label="IPv$family $name, asynchronous"
	row "$name"
	before=$(users "$cipher")
	ours "$a" tunnel "$addr1" "$addr2" "$addr1" "$addr2"
	after=$(users "$cipher")
	is "$label: both SAs use pcrypt" $((before + 2)) "$after"
	theirs "$b" tunnel "$addr2" "$addr1" "$addr2" "$addr1"
	record "$a" eth0
	try "$label: pings, us to xfrm" pings "$a" "$addr2" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "$addr1" 10 1400 4000
	try "$label: 10 MB, us to xfrm" transfer "$a" "$b" "$addr2"
	try "$label: 10 MB, xfrm to us" transfer "$b" "$a" "$addr1"
	stop_recording
	only_esp "$label: nothing but ESP on the wire"
	is "$label: nothing dropped" '' "$(drops "$a")"
done

# SAs, and then the module, go while packets are with the cipher.
flood "$a" fd01::2
rounds=0
for _ in {1..20}; do
	sent=$(counter "$a" out_esp)
	slowly eval "[ \"\$(counter $a out_esp)\" -gt $sent ]" || break
	ours "$a" tunnel fd01::1 fd01::2 fd01::1 fd01::2 || break
	rounds=$((rounds + 1))
done
is 'SAs replaced 20 times under traffic' 20 "$rounds"
try 'the module goes under traffic' rmmod esplanade
kill $! 2>/dev/null
wait

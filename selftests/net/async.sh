#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 900
#
# async.sh - the same under ciphers that answer later, from elsewhere
#
# pcrypt hands each packet to another processor; where there is but one, cryptd hands
# it to a thread. Once instances of it exist they have the higher priority, and every SA
# made afterwards uses them.
wrapper=pcrypt
[ "$(nproc)" -gt 1 ] || wrapper=cryptd
modprobe -a "$wrapper" algif_aead || exit 1
# shellcheck source=selftests/net/matrix.sh disable=SC2154
. ./matrix.sh
# shellcheck disable=SC2034 # for matrix.sh
asynchronous=$wrapper

# aead_names - what the kernel calls the rows' ciphers, AEADs and pairs
aead_names() {
	awk '$2 && $4 ~ "/" {sub("/.*", "", $4); print $4; next}
		$2 && $4 != "-" {
			sub("/.*", "", $5)
			print "authenc" ($7 ? "esn" : "") "(" $5 "," $4 ")"
		}' <<<"$ALGORITHMS" | sort -u
}

# That it is made is in /proc/crypto; the socket knows it by another name. Some kernels do
# not give up, and wrap what is wrapped already: who asks them is killed when it is there.
aead_names | python3 -c '
import os, re, socket, sys, time

def made(name):
    with open("/proc/crypto", encoding="ascii") as file:
        return re.search(rf"name *: {re.escape(name)}\ndriver *: {wrapper}\(", file.read())

wrapper = sys.argv[1]
for name in sys.stdin.read().split():
    child = os.fork()
    if not child:
        try:
            socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).bind(("aead", f"{wrapper}({name})"))
        except OSError:
            pass
        os._exit(0)
    while not os.waitpid(child, os.WNOHANG)[0]:
        if made(name):
            os.kill(child, 9)
        time.sleep(0.01)' "$wrapper"
is "every cipher has its instance of $wrapper" "$(aead_names)" \
	"$(awk -v w="$wrapper" 'BEGIN {RS = ""} $0 ~ "driver *: " w {print $3}' /proc/crypto |
		sort -u)"

# cipher_users - how many hold an instance of it; one that is wrapped twice counts once
cipher_users() {
	awk -v w="$wrapper" 'BEGIN {RS = ""} $0 ~ "driver *: " w && $0 !~ w "[(]" w && match($0, /refcnt *: [0-9]+/) {
		n = substr($0, RSTART, RLENGTH); sub(/.*: /, "", n); sum += n}
		END {print sum + 0}' /proc/crypto
}

# shellcheck disable=SC2034 # for matrix.sh
users=$(cipher_users)
matrix 4 tunnel
matrix 6 transport

# 10 MB keep the ciphers busy on both processors.
for case in 'gcm128 4 10.1.0.1 10.1.0.2' 'cbc192-sha256 6 fd01::1 fd01::2'; do
	read -r name family addr1 addr2 <<<"$case"
	label="IPv$family $name, asynchronous"
	row "$name"
	ours "$a" tunnel "$addr1" "$addr2" "$addr1" "$addr2"
	theirs "$b" tunnel "$addr2" "$addr1" "$addr2" "$addr1"
	try "$label: 10 MB, us to xfrm" transfer "$a" "$b" "$addr2"
	try "$label: 10 MB, xfrm to us" transfer "$b" "$a" "$addr1"
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

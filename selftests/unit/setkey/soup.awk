# SPDX-License-Identifier: GPL-2.0-only
#
# awk -v seed=N -f soup.awk: a script of commands made of random words. -n goes
# first, so that no word is looked up as a host name.

function pick(list, n, words)
{
	n = split(list, words, " ")
	return words[int(rand() * n) + 1]
}

function number(n)
{
	n = int(exp(rand() * 22))
	return rand() < 0.5 ? n : sprintf("0x%x", n)
}

function address()
{
	if (rand() < 0.1)
		return pick("[ / ] 10.0.0.0/33 fd00::1 ::/0 fd00::/64 ::1[80]")
	return pick("10.0.0.1 10.0.0.2 10.0.0.1[any] 10.0.0.1[500]")
}

function bytes(n, s)
{
	for (s = "0x"; n-- > 0;)
		s = s sprintf("%02x", int(rand() * 256))
	return s
}

function algorithm()
{
	return pick("-E -A -E -A -C") " " pick("aes-cbc null aes-gcm-16 des-cbc " \
		"3des-cbc blowfish-cbc hmac-sha1 hmac-md5 hmac-sha512 " \
		"deflate aes-ctr cast128-cbc chacha20-poly1305 nosuch") " " \
		(rand() < 0.7 ? bytes(pick("0 1 8 16 20 24 32 64 300")) : "")
}

function rule()
{
	return pick("esp ah ipcomp tcp") "/" pick("transport tunnel any") "/" \
		pick("/ 10.0.0.1-10.0.0.2/ fd00::1-fd00::2/ - me-any/ 1-") \
		pick("use require unique unique:7 unique:99999 default /")
}

function junk()
{
	return pick("\" \"\" \"abc\" ; ; # -- - + \\ %s %n \001 \377 {} ~ " \
		    "-P -ctx -R -46n in out prio low none ipsec esp")
}

function word(r)
{
	r = rand()
	if (r < 0.03)
		return address()
	if (r < 0.3)
		return algorithm()
	if (r < 0.4)
		return pick("-m -r -u -f -lh -ls -bh -bs -ctx") " " number()
	if (r < 0.44)
		return rule()
	return rand() < 0.1 ? junk() : ""
}

function command(r)
{
	r = rand()
	if (r < 0.3)
		return pick("add get delete getspi") " -n " address() " " \
			address() " " pick("esp ah ipcomp esp-udp esp-old") \
			" " number() " -E null " word()
	if (r < 0.7)
		return pick("spdadd spdupdate spddelete") " -n " address() \
			" " address() " " pick("any tcp icmp gre 58 999") \
			" -P " pick("in out fwd up") " " pick("ipsec none " \
			"discard ipsec ipsec prio") " " rule() " " rule()
	return pick("add flush dump spdadd spddump deleteall exit soup") " -n"
}

BEGIN {
	srand(seed)
	for (commands = int(rand() * 4) + 1; commands > 0; commands--) {
		line = command()
		for (words = int(rand() * 6); words > 0; words--)
			line = line " " word()
		print line (rand() < 0.8 ? ";" : "")
	}
}

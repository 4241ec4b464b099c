# SPDX-License-Identifier: GPL-2.0-only
#
# Reads the system's <linux/pfkeyv2.h> and writes a C program that prints every
# constant, size and offset in it. Built against that header and against ours,
# it must print the same: whoever swaps the headers keeps the wire contract.

BEGIN {
	print "#include <stddef.h>"
	print "#include <stdio.h>"
	print "#include <linux/pfkeyv2.h>"
	print "int main(void)\n{"
}

/^#define[ \t]+(SADB|PF_KEY|PFKEY)/ && NF > 2 {
	printf "\tprintf(\"%s %%lld\\n\", (long long)%s);\n", $2, $2
}

/^struct [a-z0-9_]+ \{/ {
	type = $2
	printf "\tprintf(\"%s %%zu\\n\", sizeof(struct %s));\n", type, type
}

type && /^\t__/ {
	member = $2
	sub(/[[;].*/, "", member)
	printf "\tprintf(\"%s.%s %%zu %%zu\\n\", offsetof(struct %s, %s), " \
	       "sizeof(((struct %s *)0)->%s));\n", type, member, type, member,
	       type, member
}

/^}/ {
	type = ""
}

END {
	print "\treturn 0;\n}"
}

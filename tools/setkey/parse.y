/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The grammar of a script. Its actions only file words into the one struct
 * command; a command is understood and run when its `;' has been read, so the
 * order of options never matters.
 */
%{
#include "setkey.h"

extern char *yytext;

static void yyerror(const char *what);
%}

%define api.value.type {char *}
/* A wrong word is met as one before the command around it is judged. */
%define lr.default-reduction consistent

%token ADD DELETE DELETEALL DUMP EXIT FLUSH GET GETSPI
%token SPDADD SPDDELETE SPDDUMP SPDFLUSH SPDUPDATE
%token O_MODE O_REPLAY O_REQID O_FLAG O_CONTEXT O_ENC O_AUTH O_COMP O_RAWCPI
%token O_HARD_TIME O_SOFT_TIME O_HARD_BYTES O_SOFT_BYTES O_POLICY
%token FLAGS WORD QUOTED JUNK

%%

script:
	  %empty
	| script command ';'		{ cmd_run(); cmd_reset(); }
	| script EXIT ';'		{ YYACCEPT; }
	;

command:
	  ADD flags sa sa_options	{ cmd.type = SADB_ADD; }
	| DELETE flags sa sa_options	{ cmd.type = SADB_DELETE; }
	| GET flags sa sa_options	{ cmd.type = SADB_GET; }
	| GETSPI flags sa sa_options	{ cmd.type = SADB_GETSPI; }
	| DELETEALL flags ends proto	{ cmd.type = CMD_DELETEALL; }
	| FLUSH				{ cmd.type = SADB_FLUSH; }
	| FLUSH proto			{ cmd.type = SADB_FLUSH; }
	| DUMP				{ cmd.type = SADB_DUMP; }
	| DUMP proto			{ cmd.type = SADB_DUMP; }
	| SPDADD flags policy		{ cmd.type = SADB_X_SPDADD; }
	| SPDUPDATE flags policy	{ cmd.type = SADB_X_SPDUPDATE; }
	| SPDDELETE flags policy	{ cmd.type = SADB_X_SPDDELETE; }
	| SPDFLUSH			{ cmd.type = SADB_X_SPDFLUSH; }
	| SPDDUMP			{ cmd.type = SADB_X_SPDDUMP; }
	;

flags:
	  %empty
	| flags FLAGS			{ cmd_flag($2); }
	;

ends:
	  WORD WORD			{ cmd.src = $1; cmd.dst = $2; }
	;

proto:
	  WORD				{ cmd_proto($1); }
	;

/* With a second word, the first is esp-udp's original address. */
sa:
	  ends proto WORD		{ cmd.spi_text = $3; }
	| ends proto WORD WORD		{ cmd.oa = $3; cmd.spi_text = $4; }
	;

sa_options:
	  %empty
	| sa_options sa_option
	;

sa_option:
	  O_MODE WORD		{ cmd_mode($2); }
	| O_REPLAY WORD		{ cmd.replay = number($2, 0, 4096);
				  cmd.has_replay = true; }
	| O_REQID WORD		{ cmd.reqid = number($2, 0, UINT32_MAX); }
	| O_FLAG WORD		{ cmd_padding($2); }
	| O_HARD_TIME WORD	{ cmd.hard_time = number($2, 0, UINT64_MAX); }
	| O_SOFT_TIME WORD	{ cmd.soft_time = number($2, 0, UINT64_MAX); }
	| O_HARD_BYTES WORD	{ cmd.hard_bytes = number($2, 0, UINT64_MAX); }
	| O_SOFT_BYTES WORD	{ cmd.soft_bytes = number($2, 0, UINT64_MAX); }
	| context
	| O_ENC WORD		{ key_none(&cmd.enc, SADB_EXT_KEY_ENCRYPT, $2); }
	| O_ENC WORD QUOTED	{ key_text(&cmd.enc, SADB_EXT_KEY_ENCRYPT, $2, $3); }
	| O_ENC WORD WORD	{ key_hex(&cmd.enc, SADB_EXT_KEY_ENCRYPT, $2, $3); }
	| O_AUTH WORD		{ key_none(&cmd.auth, SADB_EXT_KEY_AUTH, $2); }
	| O_AUTH WORD QUOTED	{ key_text(&cmd.auth, SADB_EXT_KEY_AUTH, $2, $3); }
	| O_AUTH WORD WORD	{ key_hex(&cmd.auth, SADB_EXT_KEY_AUTH, $2, $3); }
	| O_COMP WORD		{ key_none(&cmd.comp, 0, $2); }
	| O_RAWCPI		{ cmd.rawcpi = true; }
	;

context:
	  O_CONTEXT WORD WORD QUOTED {
		cmd.ctx.given = true;
		cmd.ctx.doi = number($2, 0, UINT8_MAX);
		cmd.ctx.alg = number($3, 0, UINT8_MAX);
		cmd.ctx.text = $4;
	}
	;

policy:
	  ends upper contexts O_POLICY policy_words
	;

upper:
	  WORD				{ cmd.upper = upper_parse($1); }
	| WORD WORD			{ cmd.upper = upper_parse($1);
					  cmd.misc = $2; }
	;

contexts:
	  %empty
	| contexts context
	;

policy_words:
	  WORD				{ cmd_word($1); }
	| policy_words WORD		{ cmd_word($2); }
	;

%%

static void yyerror(const char *what)
{
	if (yychar == YYEOF)
		refuse(what, NULL,
		       "the script ends in the middle of a command; each ends in `;'");
	if (yychar == JUNK && yytext[0] == '"')
		refuse(what, "\"", "a quoted text ends on the line it starts on");
	if (yychar == QUOTED || may_be_key(yytext))
		refuse(what, "...", "a quoted text, or a key, is out of place here");
	refuse(what, yytext, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number_block.c - operations and flags of block requests as text. */
#include <stdio.h>

#include "dump/number_names.h"
#include "dump/words.h"

/* Bits of cmd_flags that have not moved since 5.15. */
#define OP_MASK       0xffU
#define OP_WRITE      1
#define OP_FLUSH      2
#define OP_DISCARD    3
#define OP_ERASE      5
#define OP_SAME       6
#define FLAG_SYNC     (1U << 11)
#define FLAG_META     (1U << 12)
#define FLAG_FUA      (1U << 17)
#define FLAG_PREFLUSH (1U << 18)
#define FLAG_RAHEAD   (1U << 19)

const char *number_req_op(char *buf, uint64_t cmd_flags)
{
	const char *name = words_name(WORDS_req_op, cmd_flags & OP_MASK);

	if (name)
		return name;
	snprintf(buf, 24, "REQ_OP(%u)", (unsigned)(cmd_flags & OP_MASK));
	return buf;
}

static const char *rwbs_of_op(unsigned op)
{
	switch (op) {
	case 0:
		return "R";
	case OP_WRITE:
	case OP_SAME:
		return "W";
	case OP_FLUSH:
		return "F";
	case OP_DISCARD:
		return "D";
	case OP_ERASE:
		return "DE";
	default:
		return "N";
	}
}

void number_rwbs(char *buf, size_t size, uint64_t cmd_flags)
{
	snprintf(buf, size, "%s%s%s%s%s%s",
		 cmd_flags & FLAG_PREFLUSH ? "F" : "",
		 rwbs_of_op(cmd_flags & OP_MASK),
		 cmd_flags & FLAG_FUA ? "F" : "",
		 cmd_flags & FLAG_RAHEAD ? "A" : "",
		 cmd_flags & FLAG_SYNC ? "S" : "",
		 cmd_flags & FLAG_META ? "M" : "");
}

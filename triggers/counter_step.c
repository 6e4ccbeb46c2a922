/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "triggers/counter_step.h"

#include <stddef.h>

#define WRAP_PART 16

enum counter_mark counter_step(int64_t before, int64_t now, int64_t wrap,
			       int64_t *ret_growth)
{
	/* a difference of two of them need not fit 63 bits */
	if (now >= before && !__builtin_sub_overflow(now, before, ret_growth))
		return COUNTER_GREW;
	*ret_growth = 0;
	if (now < 0 || wrap <= 0 || before >= wrap ||
	    wrap - before > wrap / WRAP_PART ||
	    now > wrap / WRAP_PART - (wrap - before))
		return COUNTER_RESET;
	*ret_growth = wrap - before + now;
	return COUNTER_WRAPPED;
}

const char *counter_mark_name(enum counter_mark mark)
{
	switch (mark) {
	case COUNTER_WRAPPED:
		return "wrapped";
	case COUNTER_RESET:
		return "reset";
	default:
		return NULL;
	}
}

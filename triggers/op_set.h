/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op_set.h - a set of operations in flight, as they come from a look_world. */
#ifndef TRIGGERS_OP_SET_H
#define TRIGGERS_OP_SET_H

#include "triggers/look.h"

struct op_set { /* all 0: empty */
	struct op_set_slot *slots;
	size_t size, nr; /* size: a power of 2, or 0 */
};

/* -ENOMEM: it is not in it.  Those that are in it already stay. */
int op_set_add(struct op_set *s, const struct look_op *op);
bool op_set_has(const struct op_set *s, const struct look_op *op);
void op_set_clear(struct op_set *s); /* frees */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyvalue.h - metrics out of text that other programs wrote.
 *
 * Lines NAME=VALUE, NAME VALUE, or NAME{LABEL="x"} VALUE [TIME] as Prometheus has
 * them; empty ones and comments (#) are passed over.  Values are decimal and become
 * thousandths.
 */
#ifndef RECORDER_KEYVALUE_H
#define RECORDER_KEYVALUE_H

#include "recorder/metric.h"

#include <stddef.h>

#define KEYVALUE_SCALE 1000 /* three decimals */

#define KEYVALUE_DEF(name, kind)                  \
	{                                         \
		name, "", kind, KEYVALUE_SCALE, 1 \
	}

/* Whose metrics they are.  A NAME that ends in _total (labels aside) is a counter. */
struct keyvalue {
	const struct metric_def *gauge, *counter; /* KEYVALUE_DEF each */
	const char *prefix; /* goes before NAME, in the place of the % */
};

/* Puts the value of each line; one that makes no sense is a sample_error() each.  A
 * last line without a newline is passed over. */
void keyvalue_text(struct sample *s, const struct keyvalue *k, const char *buf,
		   size_t len);

#endif

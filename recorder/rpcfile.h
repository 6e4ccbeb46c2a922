/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpcfile.h - /proc/net/rpc/nfs and nfsd: a key, then numbers in a fixed order.
 *
 * The procedures' lines say first how many numbers follow.
 */
#ifndef RECORDER_RPCFILE_H
#define RECORDER_RPCFILE_H

#include "recorder/metric.h"

#include <stdbool.h>
#include <stddef.h>

struct rpcfile_line {
	const char *key;   /* "rpc" */
	const char *names; /* of the numbers, blanks between; "-": pass over */
	bool counted;      /* the first number says how many follow */
	const struct metric_def *def; /* "nfs.%": the instance is KEY.NAME */
};

/* NFS version 2 and 3, the same for client and server. */
extern const char rpcfile_proc2[], rpcfile_proc3[];

/* ${lines} ends with a NULL key.  Keys and columns that are not known are passed
 * over: they are of a later kernel. */
void rpcfile_parse(struct sample *s, const struct rpcfile_line *lines,
		   const char *buf, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_calls.c - which system call number is which call of calls.def. */
#include "recorder/probe_internal.h"

#include "dump/schema.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd_32.h> /* generated: __NR32_read ... */

/* Newer than the oldest headers we build with; the same number everywhere. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR32_fchmodat2
#define __NR32_fchmodat2 452
#endif

struct number {
	uint8_t id;
	int nr, nr32;
};

static const struct number numbers[] = {
#include <calls_nr.h> /* generated from calls.def: { id, nr, nr32 } */
};

/* The streams that may record a call. */
static unsigned streams_of(const struct fr_call_info *ci, unsigned id)
{
	const unsigned net = 1u << FR_STREAM_NET, conn = 1u << FR_STREAM_CONN;

	if (id == FR_ID_socketcall) /* one number for all of theirs */
		return net | conn | 1u << FR_STREAM_SOCKOPT;
	if (id == FR_ID_close)
		return 1u << FR_STREAM_FS | conn;
	if (ci->cls >= FR_CLS_STREAM)
		return 1u << (ci->cls - FR_CLS_STREAM);
	if (ci->props & FR_CP_MOVES && ci->props & (FR_CP_FPOS | FR_CP_FPOS_M1))
		return 1u << FR_STREAM_FS |
		       net; /* read and write, on sockets */
	return 1u << FR_STREAM_FS;
}

static bool is_wanted(unsigned streams, unsigned id)
{
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (fr_calls[i].id == id)
			return streams & streams_of(&fr_calls[i].info, id);
	return false;
}

void probe_calls_fill(unsigned streams, uint8_t nr[512], uint8_t nr32[512],
		      struct fr_call_info calls[FR_CALLS_MAX])
{
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number *n = &numbers[i];

		if (!is_wanted(streams, n->id))
			continue;
		if (n->nr >= 0 && n->nr < 512)
			nr[n->nr] = n->id;
		if (n->nr32 >= 0 && n->nr32 < 512)
			nr32[n->nr32] = n->id;
	}
	for (unsigned i = 0; i < fr_nr_calls; i++)
		memcpy(&calls[fr_calls[i].id], &fr_calls[i].info,
		       sizeof(calls[0]));
}

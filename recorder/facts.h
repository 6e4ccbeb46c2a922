/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - what a snapshot says of the machine and the recorder, as text.
 *
 * Keys are listed in flightrec-snapshot(5).  A list grows by facts_add() and is
 * read in order; two lists can be chained by putting one after the other.
 */
#ifndef RECORDER_FACTS_H
#define RECORDER_FACTS_H

#include "recorder/config.h"
#include "recorder/probe.h"

#include <stddef.h>
#include <stdint.h>

struct facts {
	char *buf; /* key NUL value NUL ... */
	size_t len, size;
	int failed; /* out of memory: something was left out */
};

void facts_add(struct facts *f, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The next pair; ${pos} starts at 0.  NULL at the end. */
const char *facts_next(const struct facts *f, size_t *pos,
		       const char **ret_value);
void facts_clear(struct facts *f); /* keeps the memory */
void facts_free(struct facts *f);

/* host.*, recorder.version, recorder.pid: read once, at start. */
void facts_add_host(struct facts *f);
/* enum.<name>: words of the kernel's enumerations, "0=WORD 1=WORD ..."; read once
 * (facts_enums.c), for dump/enum_facts.h. */
void facts_add_enums(struct facts *f);
/* recorder.config: what is in force. */
void facts_add_config(struct facts *f, const struct fr_config *c);
/* clock.*: offsets of the other clocks to CLOCK_MONOTONIC, read together. */
void facts_add_clocks(struct facts *f);
/* device.<major>:<minor>: names of block devices, as of now. */
void facts_add_devices(struct facts *f);
/* probe.<stream>.<name>: attached or why not, and the balance. */
void facts_add_probes(struct facts *f, struct probes *p);

/* 16 hex digits that tell machines apart and do not give the id away.
 * ${id}: content of /etc/machine-id. */
void facts_hash_machine(const char *id, char ret[17]);

/* One line, as in the fact probe.<stream>.<name>.  Returns buf. */
char *facts_format_probe(const struct probe_report *r, char *buf, size_t size);

#endif

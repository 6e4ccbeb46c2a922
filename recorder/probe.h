/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - loads, attaches, pins and reports the BPF probes; owns the kernel
 * ring.  Only recorder/probe*.c know libbpf.
 */
#ifndef RECORDER_PROBE_H
#define RECORDER_PROBE_H

#include "recorder/config.h"
#include "recorder/hist.h"
#include "triggers/look.h"

#include <flightrec/shared.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct probes;

/*
 * Loads and attaches what the configuration asks for and this kernel has, into a
 * new ring.  Best effort: a probe that cannot be had is reported by
 * probes_report().  NULL with errno and *diag only if there can be no kernel
 * ring at all (EPERM: no rights; ENOTSUP: no BPF or BTF; ENOMEM).
 */
struct probes *probes_open(const struct fr_config *c, struct fr_diag *diag);
/* Starts (attaches) and pins.  Before it nothing is recorded.  0, with diag->text
 * not empty if it could not be pinned (and why); or negative errno and *diag. */
int probes_start(struct probes *p, struct fr_diag *diag);
/* Detaches and unpins unless ${leave}: then pinned probes go on without us. */
void probes_close(struct probes *p, bool leave);

/* The ring's mapping (read-write in the recorder). */
void *probes_ring(struct probes *p, size_t *ret_bytes);
/* Its map, for a second mapping that is read-only from the start (what a dumper
 * inherits).  Stays ours. */
int probes_ring_fd(struct probes *p);

/* Scope, effective at once.  Descendants made from then on follow. */
int probes_scope_pid(struct probes *p, pid_t pid);
int probes_exclude_pid(struct probes *p, pid_t pid); /* the recorder's own */

/* Latency limits: the mapped table; the caller fills slots and min_ns. */
struct fr_limits *probes_limits(struct probes *p);
int probes_wake_fd(struct probes *p); /* for epoll */
typedef void (*probes_wake_fn)(void *arg, const struct fr_wake *w);
int probes_poll(struct probes *p, probes_wake_fn fn, void *arg);

/* Operations in flight now, as records inflight_fs and inflight_block (logical
 * bytes, each a multiple of 8; the type is in its head), at most ${size} bytes.
 * Returns the bytes used; *ret_left_out counts those that found no room. */
size_t probes_inflight(struct probes *p, uint64_t now_ns, void *buf,
		       size_t size, unsigned *ret_left_out);

/* The histograms of durations, mapped; false: there are none. */
bool probes_hist(struct probes *p, struct hist_maps *ret);

struct probe_report {
	const char *stream;    /* "fs" */
	const char *name;      /* "sys_enter" */
	const char *mechanism; /* "tp_btf", "tracepoint", ... */
	bool attached;
	const char *why; /* if not attached */
	struct fr_probe_counts counts;
	uint64_t run_ns, run_count, misses; /* from the kernel; 0 if unknown */
};
typedef void (*probes_report_fn)(void *arg, const struct probe_report *r);
void probes_report(struct probes *p, probes_report_fn fn, void *arg);

/* What this kernel lets us do, found out by trying. */
struct probe_kernel_facts {
	bool preemptible; /* our programs may be: those that lose nothing first */
	bool fentry, kprobe; /* such programs can be attached */
	bool cast;           /* typed loads (bpf_rdonly_cast) */
};
void probes_kernel_facts(const struct probes *p,
			 struct probe_kernel_facts *ret);

/* Requests that seem to be in flight, but whose completion the kernel never showed
 * us: records them as such.  Call before a freeze, and now and then.  Any thread. */
void probes_sweep(struct probes *p, uint64_t now_ns);

/* CPUs that went away keep no chunk: call now and then. */
void probes_seal_offline(struct probes *p);

/* Sum of BPF run time of all programs, ns (switches statistics on once). */
uint64_t probes_run_ns(struct probes *p);

/* ---- for triggers (look.h): any thread ------------------------------------- */
/* ${probes}: struct probes. */
void probes_scan(void *probes, uint64_t before_ns, look_op_fn fn, void *arg);
bool probes_in_flight(void *probes, const struct look_op *op);
void probes_paths(void *probes, const struct look_op *ops, unsigned nr,
		  struct look_paths *ret);
bool probes_slot_counts(void *probes, uint32_t number, uint32_t cond,
			uint64_t *counts);

/* ---- rings left by a recorder that died (pinned) --------------------------- */
struct probes_left;
/* For whoever is about to save them, until it closes the descriptor.
 * -EWOULDBLOCK: somebody is; other negative errno: there are none, or no right. */
int probes_left_lock(const struct fr_config *c);
/* The one after ${skip} others under ring.pin_folder that are not in use, neither by
 * a recorder nor by who saves it; in use by us until closed.  NULL: none, or
 * errno (EACCES, EPERM) if there may be some. */
struct probes_left *probes_left_open(const struct fr_config *c, unsigned skip);
void *probes_left_ring(struct probes_left *l,
		       size_t *ret_bytes); /* mapped rw */
size_t probes_left_inflight(struct probes_left *l, uint64_t now_ns, void *buf,
			    size_t size, unsigned *ret_left_out);
/* Events that the kernel kept from its probes, by its own count. */
uint64_t probes_left_misses(const struct probes_left *l);
bool probes_left_hist(struct probes_left *l, struct hist_maps *ret);
/* Its probes stop; what they recorded stays. */
void probes_left_stop(struct probes_left *l);
/* Unpins (its probes stop) and frees. */
void probes_left_remove(struct probes_left *l);
void probes_left_close(struct probes_left *l); /* leaves the pins */

#endif

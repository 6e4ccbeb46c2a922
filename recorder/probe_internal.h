/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_internal.h - shared by recorder/probe*.c only. */
#ifndef RECORDER_PROBE_INTERNAL_H
#define RECORDER_PROBE_INTERNAL_H

#include "recorder/probe.h"
#include "recorder/ring_user.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <flightrec/bpf_cfg.h>
#include <flightrec/hist.h>

#define PROBE_OBJECTS_MAX 16
#define PROBE_MAPS_MAX    32

/* perf's event on one CPU. */
struct probe_cpu_event {
	struct bpf_link *link; /* NULL: the CPU is offline */
	int fd;                /* the link's */
	uint64_t enabled_ns;   /* its time when it was looked at */
	bool complained;       /* that it cannot be had again */
};

/* One probe: a point in the kernel, fed by one of several programs. */
struct probe_point {
	const char *stream, *name; /* as in FR_PROBES */
	int id;                    /* enum fr_probe_id */
	struct bpf_program *prog;  /* the one chosen; NULL: none */
	struct bpf_link *link;
	struct probe_cpu_event *cpu_events; /* of perf_event: one per CPU */
	char mechanism[16];
	char why[160];    /* why it is not attached */
	uint64_t refused; /* bit: candidate that the kernel refused */
	bool wanted;
	bool carried; /* no program: part of fs.enter and fs.exit */
	bool spared;  /* its stream is fed in another way */
	bool on_call; /* a program that we run ourselves, attached to nothing */
};

struct probe_map { /* maps shared by all objects, by name */
	char name[24];
	int fd;
	void *mem; /* mapping, if mmapable */
	size_t bytes;
};

struct probes {
	const struct fr_config *config;
	struct fr_bpf_cfg cfg;
	struct ring_geometry geometry;
	struct ring_lane_share shares[FR_LANES_MAX];
	unsigned nr_shares;
	struct bpf_object *objects[PROBE_OBJECTS_MAX];
	unsigned nr_objects;
	struct probe_map maps[PROBE_MAPS_MAX];
	unsigned nr_maps;
	struct probe_point points[FR_PROBE_MAX];
	struct ring_buffer *wake;
	probes_wake_fn wake_fn;
	void *wake_arg;
	struct btf *vmlinux;
	bool has_cast, has_fentry, has_kprobe, has_perf;
	bool preemptible;
	uint64_t perf_announced; /* see probe_perf.c */
	unsigned perf_looks;
	unsigned vfs_scratch; /* 1 + the one that those of vfs share; 0: none */
	unsigned nr_scratch; /* scratch buffers handed out (fr_bpf_cfg.scratch) */
	int stats_fd;
	unsigned seal_calls;
	char pin_folder[256]; /* "" : not pinned */
	int pin_fd;           /* its lock; -1: none */
};

/* probe_calls.c: fills fr_nr, fr_nr32 and fr_calls of fs's .rodata, with the calls
 * of ${streams} (bits FR_STREAM_*). */
void probe_calls_fill(unsigned streams, uint8_t nr[512], uint8_t nr32[512],
		      struct fr_call_info calls[FR_CALLS_MAX]);

/* probe_kernel.c: facts about the running kernel. */
bool probe_kernel_preemptible(void);
bool probe_kernel_locked(void); /* no BPF program may read its memory */
uint64_t probe_kernel_pid_max(void);
void probe_kernel_text(uint64_t ret[2]);
/* Mounts tracefs and bpffs where they are missing. */
void probe_kernel_mount(const char *pin_folder);

/* Whether fentry, kprobe and perf_event programs can be attached here, by trying. */
void probe_kernel_try(struct probes *p);
/* A function of the kernel's own, not of a module. */
bool probe_kernel_has_function(const struct probes *p, const char *name);

/* probe_policy.c: probes.sample and .above into constants; 0, or negative errno and
 * *diag.  And probes.cgroups into the map of cgroups, once it is there, and now and
 * then again, since cgroups come and go. */
int probe_policy_set(struct probes *p, struct fr_diag *diag);
void probe_policy_cgroups(struct probes *p, bool say);

/* probe_pick.c: which program feeds a point. */
/* The best candidate not refused yet, NULL if there is none. */
struct bpf_program *probe_pick(struct probes *p, struct bpf_object *o,
			       struct probe_point *pt, unsigned *ret_index);
/* "fs_enter_tp_btf_cast" belongs to pt? Then 1 and its mechanism. */
int probe_program_is(const char *program, const struct probe_point *pt,
		     char mechanism[16], const char **ret_variant);

/* What probes.mechanism = ${asked} means: fentry is fexit, too. */
bool probe_is_asked_for(const char *asked, const char *mechanism);

/* probe_ways.c: where the object declares ways (fr_ways, see bpf_cfg.h), leaves
 * programs to the points of one of them only. */
void probe_ways_settle(struct probes *p, struct bpf_object *o,
		       const char *stream);

/* probe_perf.c: SEC("perf_event/NAME"), NAME an event that the kernel itself counts
 * (page_faults_maj): one per CPU. */
/* Lets libbpf know such sections; call before an object is opened. */
void probe_perf_register(void);
bool probe_perf_try(void);
/* 0 or negative errno; then nothing stays attached. */
int probe_perf_attach(struct probes *p, struct probe_point *pt);
void probe_perf_detach(struct probes *p, struct probe_point *pt);
int probe_perf_pin(struct probes *p, struct probe_point *pt);
/* CPUs that came back lost theirs: attaches them again. */
void probe_perf_follow(struct probes *p);
bool probe_cpu_online(uint32_t cpu);

static inline bool probe_attached(const struct probe_point *pt)
{
	return pt->link || pt->cpu_events || pt->on_call;
}

/* probe_scan.c: the entry of a system call in flight, whole; false: it returned. */
bool probe_scan_entry(struct probes *p, const struct look_op *op,
		      struct fr_inflight *ret);

/* probe_load.c */
/* Where the variable ${name} of .rodata begins, NULL if the object has none of that
 * size. */
void *probe_rodata_var(struct bpf_object *o, const char *name, size_t size);
int probe_load_all(struct probes *p, struct fr_diag *diag);
struct probe_map *probe_map(struct probes *p, const char *name);

/* probe_pin.c */
/* Where it fails nothing stays pinned, and diag->text says why. */
void probe_pin(struct probes *p, struct fr_diag *diag);
void probe_unpin(const char *folder);

/* probe_scope.c: puts a process and all its descendants of now in scope. */
void probe_scope_tree(struct probes *p, pid_t root);

/* probe_sweep.c: as probes_sweep(), the one at ${request}, if it was first seen at
 * ${first_ns}. */
void probe_sweep_one(struct probes *p, uint64_t request, uint64_t first_ns);

/* probe_inflight.c: over mapped tables and a descriptor (or -1). */
size_t probe_inflight_collect(const struct fr_inflight *table, size_t entries,
			      int more_fd, int rqs_fd, uint64_t now_ns,
			      void *buf, size_t size, unsigned *ret_left_out);

#endif

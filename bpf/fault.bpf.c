// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.bpf.c - page faults on mappings of files.
 *
 * Most faults are on a program's own memory and are none of ours: they must cost as
 * little as possible.  Two ways:
 *
 * in, out: around handle_mm_fault(), which is given the mapping.  A fault that is
 * tried again (VM_FAULT_RETRY: the page had to be waited for) is one fault.
 *
 * start, startkernel, then minor or major: where functions cannot be probed.  The
 * kernel tells perf of each fault at its end, whether it was a major one, and the
 * address; the mapping we look up ourselves.  When it began, and whether it was a
 * write, is noted at the exception (x86).
 */
#include "fault_vma.bpf.h"
#include "hist.bpf.h"
#define LIMIT_PATHS
#include "limit.bpf.h"
#include "policy.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile char fr_ways[FR_WAYS_BYTES] =
	"in out, !minor major start? startkernel?";

/* Numbers of enum fault_flag and enum vm_fault_reason; 5.15 has no such type. */
#define FAULT_FLAG_WRITE    0x01
#define FAULT_FLAG_TRIED    0x20
#define FAULT_FLAG_VMA_LOCK 0x1000 /* from 6.4 on */
#define VM_FAULT_MAJOR      0x04
#define VM_FAULT_RETRY      0x400
#define VM_FAULT_ERROR      0x873 /* OOM SIGBUS HWPOISON(_LARGE) SIGSEGV FALLBACK */

#define KIND_WRITE   1
#define KIND_MAJOR   2
#define KIND_UNKNOWN 4 /* read or write is not known */

/* When the exception came; the top bit says that it was a write. */
struct fault_start {
	u64 begun; /* 0: there is none */
	u64 address;
};
#define BEGUN_WRITE (1ULL << 63)

/* What is noted of a thread; one way uses one half. */
struct fault_entry {
	u64 task; /* whose entry this is */
	union {
		struct { /* in, out: the fault under way */
			u64 ts;
			u64 address, offset, ino;
			u32 dev;
			u16 pkey;
			u8 kind;
			u8 retried; /* returned, to be tried again */
			u64 file;   /* of the mapping */
		};
		struct {
			struct fault_start user, kernel;
			/* its own memory, while the mappings' version is this */
			u64 own_version, own_start, own_bytes;
		};
	};
};
_Static_assert(sizeof(struct fault_entry) == 64, "a cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* one per thread, direct-mapped: the loader */
	__type(key, u32);
	__type(value, struct fault_entry);
} tid_faults SEC(".maps");

/* Threads whose place is taken by another one in a fault. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, u32); /* tid */
	__type(value, struct fault_entry);
} faults_more SEC(".maps");

static __always_inline struct fault_entry *fault_place(struct task_struct *t)
{
	u32 key = t->pid & fr_cfg.inflight_mask;

	return bpf_map_lookup_elem(&tid_faults, &key);
}

/* ---- the record -------------------------------------------------------------- */
struct fault_done {
	u64 ts, dur; /* dur all ones: not known when it began */
	u64 address, offset, ino;
	u64 file; /* of the mapping */
	u32 dev;
	u16 pkey;
	u16 kind;
};

/* A thread that only computes makes no system calls, where others are described. */
static __always_inline void describe_thread(u32 probe, struct task_struct *t)
{
	struct fr_inflight *e = inflight_find(t->pid, (u64)t);
	u64 mix;

	if (e && e->start_boottime == t->start_boottime && e->in_scope &&
	    !names_stale(e->names_ordinal))
		return;
	mix = mix64(mix64(0, t->start_boottime), t->pid) | 1;
	if (!seen_fresh(mix))
		seen_note(mix, name_task(probe));
}

__noinline u64 put_fault(u32 probe, struct fault_done *d, u32 weight)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct record_buf *buf = scratch_of(probe, 0);
	struct fr_fault *r = (void *)buf;

	if (!buf || !d)
		return 0;
	describe_thread(probe, t);
	r->ts = d->ts;
	r->dur = d->dur;
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->pkey = d->pkey;
	r->dev = d->dev;
	r->ino = d->ino;
	r->address = d->address;
	r->offset = d->offset;
	r->weight = weight;
	return ring_put(buf, sizeof(*r), FR_LANE_FAULT,
			TYPE_AUX(FR_T_fault, d->kind));
}

/* The path of the file that the record has the numbers of. */
static __always_inline u32 fault_paths(u32 probe, struct fault_done *d)
{
	u64 mnt = 0, dentry = 0;
	struct file *f = (void *)d->file;

	if (!f)
		return 0;
	if (!vma_user_path(0, d->file, &mnt, &dentry)) {
		mnt = (u64)BPF_CORE_READ(f, f_path.mnt);
		dentry = (u64)BPF_CORE_READ(f, f_path.dentry);
	}
	return path_of_file(probe, dentry, mnt, d->ino, d->dev) ? probe + 1 : 0;
}

/* What triggers may wait for.  The event lies where the record was put together: the
 * stacks of all who call each other must fit into 512 bytes on older kernels. */
__noinline int fault_event(u32 probe, struct fault_done *d, u64 seq)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct limit_event *ev = (void *)scratch_of(probe, 0);

	if (!d || !ev)
		return 0;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->key = FR_KEY_FAULT;
	ev->ts = d->ts;
	ev->dur = d->dur;
	ev->lane = FR_LANE_FAULT;
	ev->stream = FR_STREAM_FAULT;
	ev->seq = seq;
	ev->pid = t->tgid;
	ev->tid = t->pid;
	ev->dev = ev->dev2 = d->dev;
	limit_current(ev);
	if (limit_asks_path(ev, 0))
		ev->paths = fault_paths(probe, d);
	return limit_operation(probe, ev, 0);
}

/* One fault is over: the record, unless it is left out. */
static __always_inline int fault_done(u32 probe, struct fault_done *d)
{
	struct fr_probe_counts *n = counts_of(probe);
	u32 zero = 0, wanted = 0, over, weight;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 seq;

	if (!n || !l || !d)
		return 0;
	if (d->dur != ~0ULL) {
		hist_add(FR_KEY_FAULT, FR_STREAM_FAULT, d->dev,
			 hist_cgroup(bpf_get_current_task_btf()), d->dur);
		wanted = exit_wanted(l, FR_STREAM_FAULT, FR_KEY_FAULT, d->dur,
				     0);
	}
	if (wanted & WANTED_COUNT)
		fault_event(probe, d, SEQ_COUNT);
	weight = policy_weight(FR_STREAM_FAULT, d->dur);
	over = wanted & WANTED_OVER;
	if (!weight && !over) {
		n->filtered++;
		return 0;
	}
	/* over a limit each one is kept, so it stands for itself */
	seq = put_fault(probe, d, over ? 1 : weight);
	if (seq)
		n->records++;
	else
		n->lost++;
	if (over)
		fault_event(probe, d, seq);
	return 0;
}

/* ---- in, out: around handle_mm_fault ----------------------------------------- */
/* The entry that the thread may write. */
static __always_inline struct fault_entry *fault_take(struct task_struct *t)
{
	struct fault_entry *e = fault_place(t), new = {};
	u32 tid = t->pid;

	if (!e || e->task == (u64)t || !fr_cfg.inflight_collides)
		return e;
	/* two threads in a fault, one place: the second uses the other table */
	if (!READ_ONCE(e->ts) || e->retried)
		return e;
	bpf_map_update_elem(&faults_more, &tid, &new, BPF_NOEXIST);
	return bpf_map_lookup_elem(&faults_more, &tid);
}

/* The entry of the thread if it is in a fault that was noted. */
static __always_inline struct fault_entry *fault_find(struct task_struct *t)
{
	struct fault_entry *e = fault_place(t);
	u32 tid = t->pid;

	if (e && e->task == (u64)t)
		return e->ts ? e : 0;
	if (!fr_cfg.inflight_collides)
		return 0;
	e = bpf_map_lookup_elem(&faults_more, &tid);
	return e && e->task == (u64)t && e->ts ? e : 0;
}

/* Is this the fault that returned to be tried again?  Its first try may have been
 * with the mapping's lock only; then it comes back without it. */
static __always_inline int is_same_fault(struct fault_entry *e, u64 task,
					 u64 address, u32 flags)
{
	return e->task == task && e->ts && e->retried &&
	       e->address == address &&
	       (flags & FAULT_FLAG_TRIED ||
		(e->retried & 2 && !(flags & FAULT_FLAG_VMA_LOCK)));
}

/* How it returns, if it does so to be tried again: 1, or with the mapping's lock 3;
 * until then in the two bits above the kind. */
#define RETRY_SHIFT 4

static __always_inline void fault_flags(struct fault_entry *e, u32 flags)
{
	e->kind &= KIND_MAJOR;
	e->kind |= flags & FAULT_FLAG_WRITE ? KIND_WRITE : 0;
	e->kind |= flags & FAULT_FLAG_TRIED ? KIND_MAJOR : 0;
	e->kind |= (flags & FAULT_FLAG_VMA_LOCK ? 3 : 1) << RETRY_SHIFT;
	e->retried = 0;
}

/* A fault on a mapping with a file begins. */
static __always_inline int fault_in(const int cast, u64 vma, u64 address,
				    u32 flags)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FAULT_IN);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e;
	struct file_id id = {};
	u64 file;

	if (!n)
		return 0;
	file = vma_file(cast, vma);
	if (!file || fault_left_out(cast, file)) {
		n->filtered++;
		return 0;
	}
	e = fault_take(t);
	if (!e) {
		n->lost++;
		return 0;
	}
	n->pending++;
	if (is_same_fault(e, (u64)t, address, flags)) {
		fault_flags(e, flags);
		return 0;
	}
	e->ts = 0;
	e->task = (u64)t;
	e->address = address;
	e->offset = vma_offset(cast, vma, address);
	e->file = file;
	e->ino = ~0ULL;
	e->dev = ~0U;
	e->pkey = 0xffff;
	e->kind = 0;
	fault_flags(e, flags);
	if (!vma_identify(cast, FR_PROBE_FAULT_IN, file, &id)) {
		e->ino = id.ino;
		e->dev = id.dev;
		e->pkey = id.pkey;
	}
	barrier();
	WRITE_ONCE(e->ts, bpf_ktime_get_ns());
	return 0;
}

/* The thread's noted fault returned ${ret}. */
__noinline int fault_out(struct fault_entry *e, u32 ret)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FAULT_OUT);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_done d = {};
	u32 tid = t->pid;

	asm volatile("" ::"r"(ret));
	if (!n || !e)
		return 0;
	if (ret & VM_FAULT_MAJOR)
		e->kind |= KIND_MAJOR;
	if (ret & VM_FAULT_RETRY) {
		e->retried = e->kind >> RETRY_SHIFT;
		n->filtered++;
		return 0;
	}
	d.ts = e->ts;
	d.dur = bpf_ktime_get_ns() - e->ts;
	d.address = e->address;
	d.offset = e->offset;
	d.file = e->file;
	d.ino = e->ino;
	d.dev = e->dev;
	d.pkey = e->pkey;
	d.kind = e->kind & (KIND_WRITE | KIND_MAJOR);
	e->ts = 0;
	if (fr_cfg.inflight_collides)
		bpf_map_delete_elem(&faults_more, &tid);
	if (ret & VM_FAULT_ERROR) { /* the program gets a signal instead */
		n->filtered++;
		return 0;
	}
	return fault_done(FR_PROBE_FAULT_OUT, &d);
}

/* Memory of the program's own goes no further than these two. */
static __always_inline int fault_enters(const int cast, int is_own, u64 vma,
					u64 address, u32 flags)
{
	struct fr_probe_counts *n;

	if (!is_own)
		return fault_in(cast, vma, address, flags);
	n = counts_of(FR_PROBE_FAULT_IN);
	if (n)
		n->filtered++;
	return 0;
}

static __always_inline int fault_leaves(u32 ret)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e = fault_find(t);
	struct fr_probe_counts *n;

	if (e && !e->retried)
		return fault_out(e, ret);
	n = counts_of(FR_PROBE_FAULT_OUT);
	if (n)
		n->filtered++;
	return 0;
}

SEC("fentry/handle_mm_fault")
int BPF_PROG(fault_in_fentry_cast, struct vm_area_struct___fault *vma,
	     u64 address, u32 flags)
{
	return fault_enters(1, !vma->vm_file, (u64)vma, address, flags);
}

SEC("fentry/handle_mm_fault")
int BPF_PROG(fault_in_fentry_read, struct vm_area_struct___fault *vma,
	     u64 address, u32 flags)
{
	return fault_enters(0, !vma->vm_file, (u64)vma, address, flags);
}

static __always_inline int in_kprobe(const int cast, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	u64 vma = regs->di, address = regs->si, flags = regs->dx;
#else
	u64 vma = regs->regs[0], address = regs->regs[1];
	u64 flags = regs->regs[2];
#endif
	struct vm_area_struct___fault *v =
		KPTR(cast, struct vm_area_struct___fault, vma);

	return fault_enters(cast, !KREAD(cast, v, vm_file), vma, address,
			    (u32)flags);
}

SEC("kprobe/handle_mm_fault")
int fault_in_kprobe_cast(struct pt_regs *regs)
{
	return in_kprobe(1, regs);
}

SEC("kprobe/handle_mm_fault")
int fault_in_kprobe_read(struct pt_regs *regs)
{
	return in_kprobe(0, regs);
}

SEC("fexit/handle_mm_fault")
int BPF_PROG(fault_out_fexit, void *vma, u64 address, u32 flags, void *regs,
	     u32 ret)
{
	return fault_leaves(ret);
}

SEC("kretprobe/handle_mm_fault")
int fault_out_kretprobe(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return fault_leaves((u32)regs->ax);
#else
	return fault_leaves((u32)regs->regs[0]);
#endif
}

/* ---- start, startkernel: the exception -------------------------------------- */
#define X86_FAULT_WRITE 2

/* On memory that is known to be the thread's own? */
static __always_inline int is_own_memory(struct fault_entry *e,
					 struct task_struct *t, u64 address)
{
	return address - e->own_start < e->own_bytes && e->task == (u64)t &&
	       e->own_version == mappings_version(t);
}

static __always_inline void entry_own(struct fault_entry *e,
				      struct task_struct *t)
{
	if (e->task == (u64)t)
		return;
	e->task = (u64)t;
	e->user.begun = e->kernel.begun = 0;
	e->own_bytes = 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(fault_start_tp_btf, u64 address, void *regs, u64 error)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FAULT_START);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e = fault_place(t);

	if (!n || !e)
		return 0;
	if (is_own_memory(e, t, address)) {
		e->user.begun = 0;
		n->filtered++;
		return 0;
	}
	entry_own(e, t);
	e->user.address = address;
	e->user.begun = bpf_ktime_get_ns() |
			(error & X86_FAULT_WRITE ? BEGUN_WRITE : 0);
	n->pending++;
	return 0;
}

/* By the kernel itself, on a program's memory: copy_to_user and the like. */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(fault_startkernel_tp_btf, u64 address, void *regs, u64 error)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FAULT_STARTKERNEL);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e = fault_place(t);

	if (!n || !e)
		return 0;
	if (address >> 63) {
		n->filtered++;
		return 0;
	}
	entry_own(e, t);
	e->kernel.address = address;
	e->kernel.begun = bpf_ktime_get_ns() |
			  (error & X86_FAULT_WRITE ? BEGUN_WRITE : 0);
	n->pending++;
	return 0;
}

/* ---- minor, major: perf's events --------------------------------------------- */
/* struct bpf_perf_event_data, as these machines have it: ABI. */
#if defined(__TARGET_ARCH_x86)
#define EVENT_REGS         21 /* r15 ... ss */
#define EVENT_CS           17
#define EVENT_IS_USER(ctx) ((ctx)->regs[EVENT_CS] & 3)
#else
#define EVENT_REGS         34 /* regs, sp, pc, pstate */
#define EVENT_PSTATE       33
#define EVENT_IS_USER(ctx) (!((ctx)->regs[EVENT_PSTATE] & 15))
#endif
struct fault_event {
	u64 regs[EVENT_REGS];
	u64 sample_period;
	u64 addr;
};

/* Remembers that ${vma} is the thread's own, if that can be known to last. */
static __always_inline void note_own_memory(const int cast,
					    struct fault_entry *e,
					    struct task_struct *t, u64 vma,
					    u64 version)
{
	struct vm_area_struct___fault *v =
		KPTR(cast, struct vm_area_struct___fault, vma);
	u64 start = KREAD(cast, v, vm_start);

	if (!e || e->task != (u64)t || !version)
		return;
	e->own_version = version;
	e->own_start = start;
	e->own_bytes = KREAD(cast, v, vm_end) - start;
}

static __always_inline void set_start(struct fault_done *d,
				      struct fault_start *s, u64 now)
{
	u64 begun = s->begun;

	if (!begun || s->address != d->address)
		return;
	d->ts = begun & ~BEGUN_WRITE;
	d->dur = now - d->ts;
	d->kind &= ~KIND_UNKNOWN;
	if (begun & BEGUN_WRITE)
		d->kind |= KIND_WRITE;
	s->begun = 0;
}

/* A fault at ${address} is over; where its mapping is not found: unmatched. */
static __always_inline int fault_over(const int cast, u32 probe, u64 address,
				      u32 user, u32 kind)
{
	struct fr_probe_counts *n = counts_of(probe);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e = fault_place(t);
	u64 version = mappings_version(t), vma, file;
	struct fault_done d = {};
	struct file_id id = {};

	if (!n)
		return 0;
	vma = fault_vma(cast, probe, address);
	if (!vma) {
		n->unmatched++;
		return 0;
	}
	file = vma_file(cast, vma);
	if (!file)
		note_own_memory(cast, e, t, vma, version);
	if (!file || fault_left_out(cast, file)) {
		n->filtered++;
		return 0;
	}
	d.address = address;
	d.kind = (u16)kind | KIND_UNKNOWN;
	d.ts = bpf_ktime_get_ns();
	d.dur = ~0ULL;
	if (e && e->task == (u64)t)
		set_start(&d, user ? &e->user : &e->kernel, d.ts);
	d.offset = vma_offset(cast, vma, address);
	d.file = file;
	d.ino = ~0ULL;
	d.dev = ~0U;
	d.pkey = 0xffff;
	if (!vma_identify(cast, probe, file, &id)) {
		d.ino = id.ino;
		d.dev = id.dev;
		d.pkey = id.pkey;
	}
	return fault_done(probe, &d);
}

static __always_inline int fault_minor(const int cast, struct fault_event *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fault_entry *e = fault_place(t);
	u64 address = ctx->addr;
	struct fr_probe_counts *n;

	if (!e || e->user.begun || !is_own_memory(e, t, address))
		return fault_over(cast, FR_PROBE_FAULT_MINOR, address,
				  EVENT_IS_USER(ctx) != 0, 0);
	n = counts_of(FR_PROBE_FAULT_MINOR);
	if (n)
		n->filtered++;
	return 0;
}

SEC("perf_event/page_faults_min")
int fault_minor_perf_event_cast(struct fault_event *ctx)
{
	return fault_minor(1, ctx);
}

SEC("perf_event/page_faults_min")
int fault_minor_perf_event_read(struct fault_event *ctx)
{
	return fault_minor(0, ctx);
}

SEC("perf_event/page_faults_maj")
int fault_major_perf_event_cast(struct fault_event *ctx)
{
	return fault_over(1, FR_PROBE_FAULT_MAJOR, ctx->addr,
			  EVENT_IS_USER(ctx) != 0, KIND_MAJOR);
}

SEC("perf_event/page_faults_maj")
int fault_major_perf_event_read(struct fault_event *ctx)
{
	return fault_over(0, FR_PROBE_FAULT_MAJOR, ctx->addr,
			  EVENT_IS_USER(ctx) != 0, KIND_MAJOR);
}

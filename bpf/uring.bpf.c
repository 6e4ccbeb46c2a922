// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring.bpf.c - io_uring requests, from submission to completion, one record for
 * each completion.
 *
 * What was asked for is in the submission queue entry (SQE), which the program may
 * write again as soon as it was taken: it is read when the request is submitted.
 * The request's address is what submission and completion have in common.  Later
 * completions of one request (multishot) carry no request: they are found by
 * ring and user_data.
 */
#include "fs_entry.bpf.h"
#include "hist.bpf.h"
#define LIMIT_PATHS
#include "limit.bpf.h"
#include "policy.bpf.h"

#include <flightrec/uring_entry.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct io_sq_data {
	int task_pid, task_tgid;
};
struct io_rings;
struct io_uring_sqe;
struct io_ring_ctx {
	unsigned int flags;
	struct io_rings *rings;
	u32 *sq_array;
	struct io_uring_sqe *sq_sqes;
	unsigned int cached_sq_head, sq_entries;
	struct io_sq_data *sq_data;
};
struct io_cqe {
	u64 user_data;
};
struct io_kiocb {
	struct file *file;
	u8 opcode;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
};
/* until 5.18 */
struct io_kiocb___old {
	u64 user_data;
};
struct io_uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
};
#pragma clang attribute pop

/* The program's own, as the kernel's interface has it. */
struct sqe {
	u8 opcode, flags;
	u16 ioprio;
	s32 fd;
	u64 off, addr;
	u32 len, op_flags;
	u64 user_data;
};

#define SETUP_SQPOLL     (1U << 1)
#define SETUP_SQE128     (1U << 10)
#define SETUP_NO_SQARRAY (1U << 16)
#define SETUP_SQE_MIXED  (1U << 19)

#define CQE_MORE  (1U << 1)
#define CQE_NOTIF (1U << 3)

enum op {
	OP_READV = 1,
	OP_WRITEV,
	OP_FSYNC,
	OP_READ_FIXED,
	OP_WRITE_FIXED,
	OP_POLL_ADD,
	OP_SYNC_FILE_RANGE = 8,
	OP_SENDMSG,
	OP_RECVMSG,
	OP_TIMEOUT,
	OP_ACCEPT = 13,
	OP_FALLOCATE = 17,
	OP_READ = 22,
	OP_WRITE,
	OP_FADVISE,
	OP_MADVISE,
	OP_SEND,
	OP_RECV,
	OP_SPLICE = 30,
	OP_TEE = 33,
	OP_URING_CMD = 46,
	OP_SEND_ZC,
	OP_SENDMSG_ZC,
	OP_READ_MULTISHOT,
	OP_FTRUNCATE = 55,
	OP_RECV_ZC = 58,
	OP_READV_FIXED = 60,
	OP_WRITEV_FIXED,
	OP_URING_CMD128 = 64,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64); /* request */
	__type(value, struct fr_uring_entry);
} uring_reqs SEC(".maps");

/* (ring, user_data) -> request, of those that may complete more than once. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, u64);
} uring_marks SEC(".maps");

static __always_inline u64 mark_of(u64 ctx, u64 user_data)
{
	return mix64(mix64(0, ctx), user_data) | 1;
}

/* What submission and completion have in common.  Until 5.18 the completion does
 * not know its request everywhere. */
static __always_inline u64 key_of(u64 req, u64 ctx, u64 user_data)
{
	struct io_kiocb *r = (void *)req;

	return bpf_core_field_exists(r->cqe) ? req : mark_of(ctx, user_data);
}

static __always_inline u64 user_data_of(struct io_kiocb *req)
{
	struct io_kiocb___old *old = (void *)req;

	return bpf_core_field_exists(req->cqe) ?
		       BPF_CORE_READ(req, cqe.user_data) :
		       BPF_CORE_READ(old, user_data);
}

/* ---- the SQE -------------------------------------------------------------------- */
/* The SQE of number ${back} behind the head of the queue, which the kernel has just
 * moved on. */
static __always_inline int sqe_read(struct io_ring_ctx *ctx, u32 back,
				    struct sqe *ret)
{
	u32 flags = BPF_CORE_READ(ctx, flags), at, slot = 0;
	u32 mask = BPF_CORE_READ(ctx, sq_entries) - 1;
	u64 sqes = (u64)BPF_CORE_READ(ctx, sq_sqes);
	u32 *array = BPF_CORE_READ(ctx, sq_array);

	at = (BPF_CORE_READ(ctx, cached_sq_head) - back) & mask;
	if (!(flags & SETUP_NO_SQARRAY) && array) {
		bpf_probe_read_kernel(&slot, sizeof(slot), array + at);
		at = slot & mask;
	}
	if (flags & SETUP_SQE128)
		at <<= 1;
	return (int)bpf_probe_read_kernel(ret, sizeof(*ret),
					  (void *)(sqes + 64ULL * at));
}

/* Where it lies is inferred: it must be that of the request. */
static __always_inline int sqe_find(struct io_kiocb *req,
				    struct io_ring_ctx *ctx, struct sqe *ret)
{
	u8 opcode = BPF_CORE_READ(req, opcode);
	u64 user_data = user_data_of(req);

	if (!sqe_read(ctx, 1, ret) && ret->opcode == opcode &&
	    ret->user_data == user_data)
		return 1;
	if (!(BPF_CORE_READ(ctx, flags) & SETUP_SQE_MIXED))
		return 0;
	return !sqe_read(ctx, 2, ret) && ret->opcode == opcode &&
	       ret->user_data == user_data;
}

static __always_inline u64 sqe_offset(const struct sqe *s)
{
	switch (s->opcode) {
	case OP_READV:
	case OP_WRITEV:
	case OP_FSYNC:
	case OP_READ_FIXED:
	case OP_WRITE_FIXED:
	case OP_SYNC_FILE_RANGE:
	case OP_FALLOCATE:
	case OP_READ:
	case OP_WRITE:
	case OP_FADVISE:
	case OP_SPLICE:
	case OP_READ_MULTISHOT:
	case OP_FTRUNCATE:
	case OP_READV_FIXED:
	case OP_WRITEV_FIXED:
		return s->off; /* -1: the file's position */
	}
	return ~0ULL;
}

static __always_inline u64 sqe_size(const struct sqe *s)
{
	switch (s->opcode) {
	case OP_READV:
	case OP_WRITEV:
	case OP_READV_FIXED:
	case OP_WRITEV_FIXED:
		return sum_iovec(s->addr, s->len,
				 task_is_compat(bpf_get_current_task_btf()));
	case OP_FALLOCATE:
		return s->addr;
	case OP_FSYNC:
	case OP_READ_FIXED:
	case OP_WRITE_FIXED:
	case OP_SYNC_FILE_RANGE:
	case OP_READ:
	case OP_WRITE:
	case OP_FADVISE:
	case OP_MADVISE:
	case OP_SEND:
	case OP_RECV:
	case OP_SPLICE:
	case OP_TEE:
	case OP_SEND_ZC:
	case OP_READ_MULTISHOT:
	case OP_RECV_ZC:
		return s->len;
	}
	return ~0ULL;
}

/* Those that may post completions without saying of which request. */
static __always_inline int sqe_may_repeat(const struct sqe *s)
{
	switch (s->opcode) {
	case OP_POLL_ADD:
		return s->len != 0;
	case OP_TIMEOUT:
		return s->op_flags != 0;
	case OP_ACCEPT:
	case OP_RECV:
	case OP_RECVMSG:
		return s->ioprio != 0;
	case OP_URING_CMD:
	case OP_URING_CMD128:
	case OP_SEND:
	case OP_SENDMSG:
	case OP_SEND_ZC:
	case OP_SENDMSG_ZC:
	case OP_READ_MULTISHOT:
	case OP_RECV_ZC:
		return 1;
	}
	return 0;
}

/* ---- submission ------------------------------------------------------------------- */
static __always_inline void entry_who(struct fr_uring_entry *e,
				      struct io_ring_ctx *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct io_sq_data *sqd;

	e->tid = t->pid;
	e->pid = t->tgid;
	e->born = born_of(t->group_leader->start_boottime);
	e->in_scope = task_in_scope(t);
	e->cgroup = hist_cgroup(t);
	if (!(BPF_CORE_READ(ctx, flags) & SETUP_SQPOLL))
		return;
	/* the thread of the queue is one of its owner's process */
	e->how = FR_URING_SQPOLL;
	sqd = BPF_CORE_READ(ctx, sq_data);
	if (!sqd)
		return;
	e->pid = (u32)BPF_CORE_READ(sqd, task_tgid);
	/* who made the ring; newer kernels put the queue's own thread there */
	e->tid = (u32)BPF_CORE_READ(sqd, task_pid);
	if (e->tid == (u32)t->pid)
		e->tid = e->pid;
}

static __always_inline void entry_what(struct fr_uring_entry *e,
				       struct io_kiocb *req,
				       const struct sqe *s, int known)
{
	e->opcode = BPF_CORE_READ(req, opcode);
	e->user_data = user_data_of(req);
	e->offset = e->size = ~0ULL;
	e->fd = -1;
	e->flags = ~0U;
	if (!known)
		return;
	e->offset = sqe_offset(s);
	e->size = sqe_size(s);
	e->fd = s->fd;
	e->flags = s->flags;
}

/* A thread that makes no recorded call is described here. */
static __always_inline void describe_submitter(u32 probe)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u64 mix = mix64(mix64(0, t->start_boottime), t->pid) | 1;

	if (!seen_fresh(mix))
		seen_note(mix, name_task(probe));
}

/* Notes the request; ${sqe}: where its SQE is, if the kernel says so. */
static __always_inline int submit(u32 probe, struct io_kiocb *req, u64 sqe)
{
	struct fr_probe_counts *n = counts_of(probe);
	struct fr_uring_entry e = {};
	struct io_ring_ctx *ctx;
	struct sqe s = {};
	u64 key, mark;
	int known;

	if (!n)
		return 0;
	ctx = BPF_CORE_READ(req, ctx);
	entry_who(&e, ctx);
	known = sqe ? !bpf_probe_read_kernel(&s, sizeof(s), (void *)sqe) :
		      sqe_find(req, ctx, &s);
	entry_what(&e, req, &s, known);
	e.req = (u64)req;
	e.ctx = (u64)ctx;
	e.ring = mix64((u64)ctx - (u64)BPF_CORE_READ(ctx, rings), e.pid) >> 16;
	key = key_of(e.req, e.ctx, e.user_data);
	if (e.in_scope)
		describe_submitter(probe);
	if (known && sqe_may_repeat(&s)) {
		e.marked = 1;
		mark = mark_of(e.ctx, e.user_data);
		bpf_map_update_elem(&uring_marks, &mark, &key, BPF_ANY);
	}
	e.ts = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&uring_reqs, &key, &e, BPF_ANY))
		n->lost++;
	else if (e.in_scope)
		n->pending++;
	else
		n->filtered++;
	return 0;
}

/* From 6.4 on, at the latest in 6.12 */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_tp_btf_req, struct io_kiocb *req)
{
	return submit(FR_PROBE_URING_SUBMIT, req, 0);
}

/* Before; in the oldest the ring comes first. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_tp_btf_sqe, u64 first, u64 second)
{
	struct io_kiocb *req = (void *)second;

	if ((u64)BPF_CORE_READ(req, ctx) != first)
		req = (void *)first;
	return submit(FR_PROBE_URING_SUBMIT, req, 0);
}

/* A request that is refused before it is submitted completes with an error. */
SEC("tp_btf/io_uring_req_failed")
int BPF_PROG(uring_refused_tp_btf, u64 sqe, struct io_kiocb *req)
{
	return submit(FR_PROBE_URING_REFUSED, req, sqe);
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(uring_worker_tp_btf, struct io_kiocb *req)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_URING_WORKER);
	u64 key = key_of((u64)req, (u64)BPF_CORE_READ(req, ctx),
			 user_data_of(req));
	struct fr_uring_entry *e = bpf_map_lookup_elem(&uring_reqs, &key);

	if (!n)
		return 0;
	if (!e) {
		n->unmatched++;
		return 0;
	}
	e->how |= FR_URING_WORKER;
	n->pending++;
	return 0;
}

/* ---- completion ------------------------------------------------------------------- */
/* The file, while the request still has it. */
static __always_inline void put_file(struct fr_uring *r,
				     struct fr_uring_entry *e)
{
	struct io_kiocb *req = (void *)e->req;
	struct file *f = BPF_CORE_READ(req, file);
	struct file_id id = {};

	r->ino = ~0ULL;
	r->dev = ~0U;
	r->pkey = 0xffff;
	if (!f || file_identify(0, FR_PROBE_URING_DONE,
				(u64)BPF_CORE_READ(f, f_path.dentry),
				(u64)BPF_CORE_READ(f, f_path.mnt),
				(u64)BPF_CORE_READ(f, f_inode), &id))
		return;
	r->ino = id.ino;
	r->dev = id.dev;
	r->pkey = id.pkey;
}

struct uring_end {
	u64 now;
	s64 res;
	u32 cqe_flags, weight;
};

/* Writes the record: its sequence number, 0 if it was lost. */
__noinline u64 uring_put(struct fr_uring_entry *e, struct uring_end *end)
{
	struct record_buf *buf = scratch_of(FR_PROBE_URING_DONE, 0);
	struct fr_uring *r = (void *)buf;

	if (!buf || !e || !end)
		return 0;
	r->ts = e->ts;
	r->dur = end->now - e->ts;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	put_file(r, e);
	r->offset = e->offset;
	r->size = e->size;
	r->ret = end->res;
	r->fd = e->fd;
	r->flags = e->flags;
	r->user_data = e->user_data;
	r->ring = e->ring;
	r->how = e->how | (end->cqe_flags & CQE_MORE ? FR_URING_MORE : 0);
	r->cqe_flags = end->cqe_flags;
	r->weight = end->weight;
	return ring_put(buf, sizeof(*r), FR_LANE_URING,
			TYPE_AUX(FR_T_uring, e->opcode));
}

/* What triggers may wait for; the thread on the CPU is anybody's. */
__noinline int uring_event(struct fr_uring_entry *e, u64 dur, u64 seq, s64 res)
{
	struct io_kiocb *req;
	struct limit_event ev = {};

	asm volatile("" ::"r"(res));
	if (!e)
		return 0;
	req = (void *)e->req;
	ev.key = FR_KEY_URING;
	ev.ts = e->ts;
	ev.dur = dur;
	ev.lane = FR_LANE_URING;
	ev.stream = FR_STREAM_URING;
	ev.seq = seq;
	ev.pid = e->pid;
	ev.tid = e->tid;
	ev.dev = ev.dev2 = BPF_CORE_READ(req, file, f_inode, i_sb, s_dev);
	limit_current(&ev);
	if (limit_asks_path(&ev, res))
		ev.paths = paths_of_open_file(FR_PROBE_URING_DONE,
					      BPF_CORE_READ(req, file));
	return limit_operation(FR_PROBE_URING_DONE, &ev, res);
}

static __noinline int uring_hist(struct fr_uring_entry *e, u64 dur)
{
	struct io_kiocb *req;
	u32 dev = 0;

	if (!e)
		return 0;
	req = (void *)e->req;
	if (req)
		dev = BPF_CORE_READ(req, file, f_inode, i_sb, s_dev);
	hist_add(FR_KEY_URING, FR_STREAM_URING, dev ?: FR_HIST_NO_DEV,
		 e->cgroup, dur);
	return 0;
}

__noinline int uring_finish(struct fr_uring_entry *e, struct uring_end *end)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_URING_DONE);
	u32 zero = 0, wanted;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 dur, seq;

	if (!n || !e || !end || !l)
		return 0;
	if (!e->in_scope) {
		n->filtered++;
		return 0;
	}
	dur = end->now - e->ts;
	uring_hist(e, dur);
	wanted = exit_wanted(l, FR_STREAM_URING, FR_KEY_URING, dur, end->res);
	if (wanted & WANTED_COUNT)
		uring_event(e, dur, SEQ_COUNT, end->res);
	end->weight = policy_weight(FR_STREAM_URING, dur);
	if (!end->weight && !(wanted & WANTED_OVER)) {
		n->filtered++;
		return 0;
	}
	if (!end->weight)
		end->weight = 1;
	seq = uring_put(e, end);
	if (seq)
		n->records++;
	else
		n->lost++;
	if (wanted & WANTED_OVER)
		uring_event(e, dur, seq, end->res);
	return 0;
}

/* ${req} 0: a completion that does not say of which request. */
static __always_inline int complete(u64 ctx, u64 req, u64 user_data, s32 res,
				    u32 cqe_flags)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_URING_DONE);
	u64 mark = mark_of(ctx, user_data), key, *marked;
	struct uring_end end = {};
	struct fr_uring_entry *e;

	if (!n)
		return 0;
	end.now = bpf_ktime_get_ns();
	end.res = res;
	end.cqe_flags = cqe_flags;
	key = key_of(req, ctx, user_data);
	e = req ? bpf_map_lookup_elem(&uring_reqs, &key) : 0;
	if (!e) {
		marked = bpf_map_lookup_elem(&uring_marks, &mark);
		key = marked ? *marked : 0;
		e = key ? bpf_map_lookup_elem(&uring_reqs, &key) : 0;
	}
	if (!e || e->user_data != user_data || e->ctx != ctx) {
		n->unmatched++;
		return 0;
	}
	uring_finish(e, &end);
	if (cqe_flags & CQE_MORE)
		return 0;
	if (e->marked)
		bpf_map_delete_elem(&uring_marks, &mark);
	bpf_map_delete_elem(&uring_reqs, &key);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_done_tp_btf_args, u64 ring, u64 req, u64 user_data, int res,
	     u32 cflags)
{
	return complete(ring, req, user_data, res, cflags);
}

/* From some kernel between 6.12 and 6.18 on, the whole completion is handed over. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_done_tp_btf_cqe, u64 ring, u64 req, struct io_uring_cqe *cqe)
{
	struct record_buf *buf = scratch_of(FR_PROBE_URING_DONE, 0);

	if (!buf)
		return 0;
	/* the verifier computes with no pointer: in memory it is a number */
	WRITE_ONCE(buf->w[0], ring);
	return complete(READ_ONCE(buf->w[0]), req, cqe->user_data, cqe->res,
			cqe->flags);
}

/* In the oldest the request is not told. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_done_tp_btf_data, u64 ring, u64 user_data, int res,
	     u32 cflags)
{
	return complete(ring, 1, user_data, res, cflags);
}

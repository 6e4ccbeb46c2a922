// SPDX-License-Identifier: GPL-2.0-only
/*
 * block.bpf.c - block requests from the first sight of them to completion, one
 * record each.
 *
 * Who submitted is noted at block_getrq, which runs in the submitter for every
 * request, whether or not the device has an I/O scheduler (without one,
 * block_rq_insert never fires), and is found again through the request's bio.
 * Insert, issue, requeue and completion only ever add to the entry; completion,
 * which may run in an interrupt of anybody's, writes the record.
 */
#include "block_pages.bpf.h"
#include "chain.bpf.h"
#include "hist.bpf.h"
#include "limit.bpf.h"
#include "names.bpf.h"

#include <flightrec/block_entry.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* struct request * */
	__type(value, struct fr_block_entry);
} rqs SEC(".maps");

/* A bio that just got its request, until the request is seen.  LRU: a bio whose
 * request we never see must not stay. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* struct bio * */
	__type(value, struct fr_block_entry);
} bios SEC(".maps");

/* Requests in flight per device: slots by hash, for the depth at issue. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} depth SEC(".maps");

#define REQ_OP_MASK  0xff
#define REQ_OP_WRITE 1
#define REQ_META     (1U << 12)
#define REQ_FUA      (1U << 17)
#define REQ_PREFLUSH (1U << 18)

/* blk_status_t -> errno, as block/blk-core.c maps them. */
static __always_inline u16 status_errno(u32 status)
{
	if (!status)
		return 0;
	if (status > 255) { /* before 5.16 the tracepoint passed an errno */
		s32 e = -(s32)status;

		return e > 0 && e < 4096 ? (u16)e : 5;
	}
	switch (status) {
	case 1:
		return 95; /* EOPNOTSUPP */
	case 2:
		return 110; /* ETIMEDOUT */
	case 3:
		return 28; /* ENOSPC */
	case 4:
		return 67; /* ENOLINK */
	case 5:
		return 121; /* EREMOTEIO */
	case 6:
		return 52; /* EBADE */
	case 7:
		return 61; /* ENODATA */
	case 8:
		return 84; /* EILSEQ */
	case 9:
		return 12; /* ENOMEM */
	case 11:
		return 78; /* EREMCHG: the device mapper tries again */
	case 12:
		return 11; /* EAGAIN */
	case 13:
		return 16; /* EBUSY */
	default:
		return 5; /* EIO */
	}
}

/* ---- who and what ------------------------------------------------------------ */
static __always_inline void entry_submitter(struct fr_block_entry *b)
{
	struct task_struct *t = bpf_get_current_task_btf();

	b->tid = t->pid;
	b->pid = t->tgid;
	b->born = born_of(t->group_leader->start_boottime);
	b->submit_cgroup = bpf_get_current_cgroup_id();
	b->in_scope = task_in_scope(t);
	bpf_get_current_comm(b->comm, sizeof(b->comm));
}

/* Threads of the kernel make no system calls, where others are described. */
static __always_inline void describe_submitter(const u32 probe)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u64 mix;

	if (!(t->flags & PF_KTHREAD))
		return;
	mix = mix64(mix64(0, t->start_boottime), t->pid) | 1;
	if (!seen_fresh(mix))
		seen_note(mix, name_task(probe));
}

/* Who wrote what somebody else - a thread of the kernel, or one that calls sync -
 * now writes back. */
static __always_inline void entry_dirtier(struct fr_block_entry *b)
{
	struct dirty_key key = { .ino = b->ino, .dev = b->file_dev };
	struct dirtier *d = bpf_map_lookup_elem(&dirtiers, &key);

	if (!d || d->pid == b->pid)
		return;
	b->dirtier_pid = d->pid;
	b->dirtier_tid = d->tid;
	b->dirtier_born = d->born;
}

/* Which file a request belongs to: the one whose pages it carries; where the
 * pages are a program's own (direct I/O), that of the call it is in. */
static __always_inline void entry_inode(struct fr_block_entry *b,
					struct bio *bio)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct inode *in = bio_inode(bio);
	struct fr_inflight *e;

	if (in) {
		b->ino = BPF_CORE_READ(in, i_ino);
		b->file_dev = BPF_CORE_READ(in, i_sb, s_dev);
		if ((BPF_CORE_READ(bio, bi_opf) & REQ_OP_MASK) == REQ_OP_WRITE)
			entry_dirtier(b);
		return;
	}
	if (BPF_CORE_READ(bio, bi_opf) & REQ_META)
		return;
	e = inflight_find(b->tid, (u64)t);
	if (!e || !e->ts || !e->direct)
		return;
	b->ino = e->ino;
	b->file_dev = e->dev;
	b->pkey = e->pkey;
	b->req_flags |= FR_REQ_DIRECT;
}

/* The cgroup whose budget the kernel takes the I/O from. */
static __always_inline void entry_cgroup(struct fr_block_entry *b,
					 struct bio *bio)
{
	struct cgroup *c;

	b->cgroup = ~0ULL;
	if (!bpf_core_field_exists(bio->bi_blkg))
		return;
	c = BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);
	if (!c)
		return;
	b->cgroup = BPF_CORE_READ(c, kn, id);
	if (BPF_CORE_READ(c, root, hierarchy_id))
		b->req_flags |= FR_REQ_CGROUP_V1;
}

static __always_inline void entry_bio(struct fr_block_entry *b, struct bio *bio)
{
	u32 dev = BPF_CORE_READ(bio, bi_bdev, bd_dev);

	entry_cgroup(b, bio);
	if (dev)
		b->part_dev = dev;
	entry_inode(b, bio);
}

/* An entry of nobody's and no file's yet. */
static __always_inline void entry_init(struct fr_block_entry *b, u32 how)
{
	b->first_ns = bpf_ktime_get_ns();
	b->req_flags = how;
	b->ino = b->cgroup = ~0ULL;
	b->file_dev = b->part_dev = ~0U;
	b->dirtier_pid = b->dirtier_tid = ~0U;
	b->pkey = b->dirtier_born = 0xffff;
	entry_submitter(b);
}

static __always_inline u32 request_dev(struct request *rq)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(rq->q->disk)) {
		disk = BPF_CORE_READ(rq, q, disk);
	} else {
		struct request___old *old = (void *)rq;

		disk = BPF_CORE_READ(old, rq_disk);
	}
	if (!disk)
		return 0;
	return (u32)BPF_CORE_READ(disk, major) << 20 |
	       (u32)BPF_CORE_READ(disk, first_minor);
}

/* Before any data has moved: all of the request. */
static __always_inline void entry_request(struct fr_block_entry *b,
					  struct request *rq)
{
	b->sector = BPF_CORE_READ(rq, __sector);
	b->size = BPF_CORE_READ(rq, __data_len);
	b->cmd_flags = BPF_CORE_READ(rq, cmd_flags);
	b->dev = request_dev(rq);
}

static __always_inline u64 *depth_of(u32 dev)
{
	u32 key = (dev ^ dev >> 20) & 255;

	return bpf_map_lookup_elem(&depth, &key);
}

static __always_inline void depth_leave(struct fr_block_entry *b)
{
	u64 *d = b->issue_ns ? depth_of(b->dev) : 0;

	if (d)
		__sync_fetch_and_add(d, -1ULL);
}

/* What block_getrq noted for the bio that a request was made from.  Merging in
 * front puts another bio first; then the last one is still the original. */
static __always_inline struct fr_block_entry *bio_note(struct request *rq,
						       u64 *ret_bio)
{
	u64 bio = (u64)BPF_CORE_READ(rq, bio), tail;
	struct fr_block_entry *b = 0;

	if (bio)
		b = bpf_map_lookup_elem(&bios, &bio);
	if (!b) {
		tail = (u64)BPF_CORE_READ(rq, biotail);
		if (tail && tail != bio) {
			bio = tail;
			b = bpf_map_lookup_elem(&bios, &bio);
		}
	}
	*ret_bio = bio;
	return b;
}

/* ${end} before the begin: there was none.  ${probe}: the one that runs. */
__noinline u64 put_block(struct fr_block_entry *b, u64 end, u32 probe)
{
	struct record_buf *buf = scratch_of(probe, 0);
	struct fr_block *r = (void *)buf;

	if (!buf || !b)
		return 0;
	r->ts = b->first_ns;
	r->dur = end < b->first_ns ? ~0ULL : end - b->first_ns;
	r->queue_dur = b->issue_ns ? b->issue_ns - b->first_ns : ~0ULL;
	r->sector = b->sector;
	r->dev = b->dev;
	r->size = b->size;
	r->moved = b->moved;
	r->cmd_flags = b->cmd_flags;
	r->tid = b->tid;
	r->pid = b->pid;
	r->ino = b->ino;
	r->file_dev = b->file_dev;
	r->born = b->born;
	r->pkey = b->pkey;
	r->queue_depth = b->queue_depth;
	r->req_flags = b->req_flags;
	r->cgroup = b->cgroup;
	r->submit_cgroup = b->submit_cgroup;
	r->issue_seq = b->issue_seq;
	r->part_dev = b->part_dev == b->dev ? ~0U : b->part_dev;
	r->mixed = b->mixed > 1 ? b->mixed : 0xffff;
	r->dirtier_born = b->dirtier_born;
	r->dirtier_pid = b->dirtier_pid;
	r->dirtier_tid = b->dirtier_tid;
	return ring_put(buf, sizeof(*r), FR_LANE_BLOCK,
			TYPE_AUX(FR_T_block, b->error));
}

/* Its completion was never shown to us: some kernels run no program in the
 * time of a process that is not to be traced.  The request is recorded, without a duration. */
static __noinline void entry_unfinished(struct fr_block_entry *b, u32 probe)
{
	struct fr_probe_counts *n = counts_of(probe);

	if (!b || !n)
		return;
	depth_leave(b);
	if (!b->in_scope)
		return;
	b->req_flags |= FR_REQ_NO_END;
	if (put_block(b, b->first_ns - 1, probe))
		n->unfinished++;
	else
		n->lost++;
}

/*
 * The entry of a request, made if it is seen for the first time.  Requests are
 * used again and again: an entry that its address still has is of one whose end
 * we did not see, if block_getrq noted a new one, or if it was issued before.
 */
static __noinline struct fr_block_entry *entry_get(u64 rqp, u32 how, u32 probe)
{
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &rqp), fresh = {};
	struct request *rq = (void *)rqp;
	struct fr_block_entry *note;
	u64 bio;

	note = bio_note(rq, &bio);
	if (b && !note && !b->issue_ns)
		return b;
	entry_unfinished(b, probe);
	if (note) {
		fresh = *note;
		bpf_map_delete_elem(&bios, &bio);
	} else {
		entry_init(&fresh, how);
		bio = (u64)BPF_CORE_READ(rq, bio);
		if (bio)
			entry_bio(&fresh, (struct bio *)bio);
	}
	entry_request(&fresh, rq);
	bpf_map_update_elem(&rqs, &rqp, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&rqs, &rqp);
}

/* Nobody holds the request: what it was used for is over.  Where the kernel has
 * no such count: never. */
static __always_inline int request_is_free(struct request *rq)
{
	int ref = 1;

	if (bpf_core_field_exists(rq->ref))
		bpf_probe_read_kernel(
			&ref, sizeof(ref),
			(void *)rq +
				bpf_core_field_offset(struct request, ref));
	return !ref;
}

static __always_inline void entry_files(struct fr_block_entry *b, u64 rqp)
{
	u32 files = files_of(rqp);

	b->mixed = (u16)files;
	if (files >> 31)
		b->req_flags |= FR_REQ_MORE;
}

/* ---- the programs --------------------------------------------------------------- */
SEC("tp_btf/block_getrq")
int BPF_PROG(block_queue_tp_btf, struct bio *bio)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_QUEUE);
	struct fr_block_entry b = {};
	u64 key = (u64)bio;

	if (!n)
		return 0;
	entry_init(&b, FR_REQ_AT_GETRQ);
	if (!b.in_scope) {
		n->filtered++;
	} else {
		entry_bio(&b, bio);
		describe_submitter(FR_PROBE_BLOCK_QUEUE);
		n->pending++;
	}
	bpf_map_update_elem(&bios, &key, &b, BPF_ANY);
	return 0;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(block_insert_tp_btf, struct request *rq)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_INSERT);
	struct fr_block_entry *b;

	if (!n)
		return 0;
	b = entry_get((u64)rq, FR_REQ_AT_INSERT, FR_PROBE_BLOCK_INSERT);
	if (!b)
		n->lost++;
	else if (b->in_scope)
		n->pending++;
	else
		n->filtered++;
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_issue_tp_btf, struct request *rq)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_ISSUE);
	struct fr_block_entry *b;
	u64 *d;

	if (!n)
		return 0;
	b = entry_get((u64)rq, FR_REQ_AT_ISSUE, FR_PROBE_BLOCK_ISSUE);
	if (!b) {
		n->lost++;
		return 0;
	}
	if (b->in_scope)
		n->pending++;
	else
		n->filtered++;
	if (b->in_scope && b->req_flags & FR_REQ_AT_ISSUE)
		describe_submitter(FR_PROBE_BLOCK_ISSUE);
	if (!b->moved) { /* merges since insert made it larger */
		entry_request(b, rq);
		if (b->in_scope && !(b->req_flags & FR_REQ_DIRECT) &&
		    (b->cmd_flags & REQ_OP_MASK) <= REQ_OP_WRITE)
			entry_files(b, (u64)rq);
	}
	d = depth_of(b->dev);
	if (d && !b->issue_ns)
		b->queue_depth = (u32)__sync_fetch_and_add(d, 1) + 1;
	b->issue_seq = n->pending;
	b->issue_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(block_requeue_tp_btf, struct request *rq)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_REQUEUE);
	u64 key = (u64)rq;
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &key);

	if (!n)
		return 0;
	if (!b) {
		n->unmatched++;
		return 0;
	}
	n->pending++;
	depth_leave(b);
	b->issue_ns = 0;
	return 0;
}

/* A request that another one took in: it ends here, without completion; the
 * other one's record covers its bytes. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(block_merge_tp_btf, struct request *rq)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_MERGE);
	u64 key = (u64)rq;
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &key);

	if (!n)
		return 0;
	if (!b) {
		n->unmatched++;
		return 0;
	}
	n->filtered++;
	depth_leave(b);
	bpf_map_delete_elem(&rqs, &key);
	return 0;
}

static __always_inline u32 limit_key(u32 cmd_flags)
{
	switch (cmd_flags & REQ_OP_MASK) {
	case 0:
		return FR_KEY_BLOCK_READ;
	case 1:
		return FR_KEY_BLOCK_WRITE;
	case 2:
		return FR_KEY_BLOCK_FLUSH;
	case 3:
		return FR_KEY_BLOCK_DISCARD;
	}
	return FR_KEY_BLOCK_OTHER;
}

/* What triggers may wait for; the thread on the CPU is anybody's. */
__noinline int block_event(struct fr_block_entry *b, u64 dur, u64 seq)
{
	struct limit_event ev = {};

	if (!b)
		return 0;
	ev.key = limit_key(b->cmd_flags);
	ev.ts = b->first_ns;
	ev.dur = dur;
	ev.lane = FR_LANE_BLOCK;
	ev.stream = FR_STREAM_BLOCK;
	ev.seq = seq;
	ev.pid = b->pid;
	ev.tid = b->tid;
	ev.dev = b->dev;
	ev.dev2 = b->part_dev;
	ev.cgroup = b->cgroup != ~0ULL ? b->cgroup : b->submit_cgroup;
	__builtin_memcpy(ev.comm, b->comm, sizeof(ev.comm));
	return limit_operation(FR_PROBE_BLOCK_DONE, &ev, -(s64)b->error);
}

/* Who pays, as far as that is a cgroup of the hierarchy that all have. */
static __always_inline u64 block_cgroup(struct fr_block_entry *b)
{
	if (!fr_cfg.hist_cgroups)
		return FR_HIST_NO_CGROUP;
	return b->cgroup == ~0ULL || b->req_flags & FR_REQ_CGROUP_V1 ?
		       b->submit_cgroup :
		       b->cgroup;
}

static __noinline int block_finish(u64 rqp, struct fr_probe_counts *n)
{
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &rqp);
	u32 zero = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 now = bpf_ktime_get_ns(), seq;

	if (!b || !n || !l)
		return 0;
	depth_leave(b);
	if (!b->in_scope) {
		n->filtered++;
		bpf_map_delete_elem(&rqs, &rqp);
		return 0;
	}
	hist_add(limit_key(b->cmd_flags), FR_STREAM_BLOCK, b->dev,
		 block_cgroup(b), now - b->first_ns);
	if (count_wanted(l, FR_STREAM_BLOCK, limit_key(b->cmd_flags)))
		block_event(b, now - b->first_ns, SEQ_COUNT);
	seq = put_block(b, now, FR_PROBE_BLOCK_DONE);
	if (seq)
		n->records++;
	else
		n->lost++;
	block_event(b, now - b->first_ns, seq);
	bpf_map_delete_elem(&rqs, &rqp);
	return 0;
}

/* A completion of a request we never saw issued.  Flushes do that: a request
 * with PREFLUSH or FUA, or the empty one of a bare flush, completes beside the
 * flush request that does its work. */
static __noinline int done_unseen(u64 rqp, struct fr_probe_counts *n)
{
	struct request *rq = (void *)rqp;
	u64 bio;

	if (!n)
		return 0;
	if (bio_note(rq, &bio))
		bpf_map_delete_elem(&bios, &bio);
	if (BPF_CORE_READ(rq, cmd_flags) & (REQ_PREFLUSH | REQ_FUA) ||
	    !BPF_CORE_READ(rq, __data_len))
		n->filtered++;
	else
		n->unmatched++;
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_done_tp_btf, struct request *rq, u32 error,
	     unsigned int bytes)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_DONE);
	u64 key = (u64)rq;
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &key);

	if (!n)
		return 0;
	if (!b) {
		done_unseen(key, n);
		return 0;
	}
	if (error)
		b->error = status_errno(error);
	else
		b->moved += bytes;
	/* the length is what was left before this completion */
	if (bytes < BPF_CORE_READ(rq, __data_len)) {
		n->pending++;
		return 0;
	}
	block_finish(key, n);
	return 0;
}

/*
 * Run by the recorder with the address of a request that seems to be in flight
 * (before a freeze, before a trigger believes it): if it is free, we were not shown
 * its end.  Left alone it would look like a disk that hangs.
 */
SEC("syscall")
int block_sweep_syscall(struct fr_request_sweep *ctx)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_BLOCK_SWEEP);
	u64 key = ctx->request, first = ctx->first_ns;
	struct fr_block_entry *b = bpf_map_lookup_elem(&rqs, &key);

	if (!n)
		return 0;
	n->filtered++;
	if (!b || b->first_ns != first || !request_is_free((void *)key))
		return 0;
	entry_unfinished(b, FR_PROBE_BLOCK_SWEEP);
	bpf_map_delete_elem(&rqs, &key);
	return 1;
}

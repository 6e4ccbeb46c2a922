// SPDX-License-Identifier: GPL-2.0-only
/*
 * cache.bpf.c - what happens to pages of the page cache.
 *
 * What a page that comes was wanted for, and why one goes, follows from what its
 * thread is doing: the call in flight that the fs stream has noted, the page that a
 * fault asked for, or the flags of a thread that reclaims memory.  So the same
 * kinds are told apart on every kernel, by tracepoints alone.
 */
#include "limit.bpf.h"
#include "policy.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct folio___cache {
	struct address_space *mapping;
	unsigned long index;
	unsigned int _nr_pages;
};
/* from 5.16 to 6.16 or so */
struct folio___nr {
	unsigned int _folio_nr_pages;
};
/* until 5.17 pages are handed over, not folios */
struct page___cache {
	struct address_space *mapping;
	unsigned long index;
};
enum pageflags___cache {
	PG_head___cache
};
#pragma clang attribute pop

enum kind {
	KIND_HIT,
	KIND_MISS,
	KIND_DIRTY,
	KIND_WRITEBACK_START,
	KIND_WRITEBACK_END,
	KIND_EVICT,
	KIND_INVALIDATE,
	KIND_DROP,
	KIND_READAHEAD,
	KIND_RECLAIM,
};

#define PAGE_SHIFT  12
#define PF_MEMALLOC 0x00000800
#define PF_KSWAPD   0x00020000

/* What a thread asked for last. */
struct asked {
	u64 ts, ino; /* a call: its start, 0: none; its file */
	u64 next;    /* pages before this one are counted */
	u64 missing; /* pages that came because this call asked, not counted yet */
	u64 fault, fault_ino; /* page that a fault asked for; 0: none */
	u32 dev, fault_dev;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u32); /* thread */
	__type(value, struct asked);
} cache_asked SEC(".maps");

/* Some pages of a file. */
struct pages {
	u64 inode; /* its address */
	u64 ino, index, count;
	u32 dev, pad;
};

/* ---- folios and pages ------------------------------------------------------------- */
static __always_inline u32 folio_pages(struct folio___cache *f)
{
	struct folio___nr *old = (void *)f;
	u64 flags = 0;

	/* its first word everywhere; its type was changed in 6.18 or so */
	bpf_probe_read_kernel(&flags, sizeof(flags), f);
	if (!(flags >> bpf_core_enum_value(enum pageflags___cache,
					   PG_head___cache) &
	      1))
		return 1;
	if (bpf_core_field_exists(f->_nr_pages))
		return BPF_CORE_READ(f, _nr_pages);
	return BPF_CORE_READ(old, _folio_nr_pages);
}

static __always_inline void pages_of_mapping(struct pages *p,
					     struct address_space *m)
{
	struct inode *in = m ? BPF_CORE_READ(m, host) : 0;

	p->inode = (u64)in;
	p->ino = in ? BPF_CORE_READ(in, i_ino) : 0;
	p->dev = in ? BPF_CORE_READ(in, i_sb, s_dev) : 0;
}

static __always_inline void pages_of_folio(struct pages *p,
					   struct folio___cache *f)
{
	struct address_space *m = BPF_CORE_READ(f, mapping);

	pages_of_mapping(p,
			 (u64)m & 3 ? 0 : m); /* anonymous memory has a mark */
	p->index = BPF_CORE_READ(f, index);
	p->count = folio_pages(f);
}

static __always_inline void pages_of_page(struct pages *p,
					  struct page___cache *page)
{
	struct address_space *m = BPF_CORE_READ(page, mapping);

	pages_of_mapping(p, (u64)m & 3 ? 0 : m);
	p->index = BPF_CORE_READ(page, index);
	p->count = 1;
}

/* ---- the record ------------------------------------------------------------------- */
__noinline u64 cache_put(struct pages *p, u32 probe, u32 kind, u32 weight)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct record_buf *buf = scratch_of(probe, 0);
	struct fr_cache *r = (void *)buf;
	struct inode *in;

	if (!buf || !p)
		return 0;
	in = (void *)p->inode;
	r->ts = bpf_ktime_get_ns();
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->pkey = 0xffff;
	r->dev = p->dev;
	r->ino = p->ino;
	r->index = p->index;
	r->count = (u32)p->count;
	r->weight = weight;
	r->file_size = BPF_CORE_READ(in, i_size);
	return ring_put(buf, sizeof(*r), FR_LANE_CACHE,
			TYPE_AUX(FR_T_cache, kind));
}

static __always_inline int cache_event(struct pages *p, u32 probe, u32 kind)
{
	struct fr_probe_counts *n = counts_of(probe);
	u32 weight;

	if (!n)
		return 0;
	if (!p->inode || !p->count || !stream_on(FR_STREAM_CACHE) ||
	    !task_in_scope(bpf_get_current_task_btf())) {
		n->filtered++;
		return 0;
	}
	weight = policy_weight(FR_STREAM_CACHE, POLICY_NO_DUR);
	if (!weight)
		n->filtered++;
	else if (cache_put(p, probe, kind, weight))
		n->records++;
	else
		n->lost++;
	return 0;
}

/* ---- what the thread is doing ------------------------------------------------------- */
/* The call in flight, 0: none that is known. */
static __always_inline struct fr_inflight *call_now(struct task_struct *t)
{
	struct fr_inflight *e = inflight_find(t->pid, (u64)t);

	return e && e->ts ? e : 0;
}

static __always_inline int is_read(u32 id)
{
	return id == FR_ID_read || id == FR_ID_pread64 || id == FR_ID_readv ||
	       id == FR_ID_preadv || id == FR_ID_preadv2;
}

static __always_inline int is_write(u32 id)
{
	return id == FR_ID_write || id == FR_ID_pwrite64 ||
	       id == FR_ID_writev || id == FR_ID_pwritev ||
	       id == FR_ID_pwritev2;
}

/* Calls that ask for pages before they are needed. */
static __always_inline int is_advice(u32 id)
{
	return id == FR_ID_readahead || id == FR_ID_fadvise64 ||
	       id == FR_ID_fadvise64_64 || id == FR_ID_madvise;
}

static __always_inline u64 call_bytes(struct fr_inflight *e, u32 id)
{
	return id == FR_ID_read || id == FR_ID_pread64 || id == FR_ID_write ||
			       id == FR_ID_pwrite64 ?
		       e->args[2] :
		       e->file_size;
}

static __always_inline int reads_file(struct fr_inflight *e, struct pages *p)
{
	return e && is_read(FR_CALL_ID(e->call)) && e->ino == p->ino &&
	       e->dev == p->dev && e->offset != ~0ULL;
}

/* Was the page asked for, or does it come ahead of need? */
static __always_inline int is_ahead(struct fr_inflight *e, struct asked *a,
				    struct pages *p)
{
	u32 id = e ? FR_CALL_ID(e->call) : 0;
	u64 bytes;

	if (reads_file(e, p)) {
		bytes = call_bytes(e, id);
		return p->index + p->count <= e->offset >> PAGE_SHIFT ||
		       (bytes != ~0ULL &&
			p->index > (e->offset + bytes - 1) >> PAGE_SHIFT);
	}
	if (a && a->fault_ino && a->fault_ino == p->ino &&
	    a->fault_dev == p->dev)
		return a->fault < p->index || a->fault >= p->index + p->count;
	return e && is_advice(id);
}

/* The state of a thread, as that of the call ${ts} on this file. */
static __always_inline struct asked *asked_by(u32 tid, u64 ts, struct pages *p)
{
	struct asked *a = bpf_map_lookup_elem(&cache_asked, &tid), fresh = {};

	if (!a) {
		bpf_map_update_elem(&cache_asked, &tid, &fresh, BPF_ANY);
		a = bpf_map_lookup_elem(&cache_asked, &tid);
	}
	if (a && (a->ts != ts || a->ino != p->ino || a->dev != p->dev)) {
		a->ts = ts;
		a->ino = p->ino;
		a->dev = p->dev;
		a->next = ~0ULL;
		a->missing = 0;
	}
	return a;
}

static __always_inline int page_came(struct pages *p)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_inflight *e = call_now(t);
	u32 tid = t->pid;
	struct asked *a = bpf_map_lookup_elem(&cache_asked, &tid);

	if (is_ahead(e, a, p))
		return cache_event(p, FR_PROBE_CACHE_ADD, KIND_READAHEAD);
	if (reads_file(e, p)) {
		a = asked_by(tid, e->ts, p);
		if (a)
			a->missing += p->count;
	}
	return cache_event(p, FR_PROBE_CACHE_ADD, KIND_MISS);
}

/* Why a page goes. */
static __always_inline u32 why_gone(struct pages *p)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_inflight *e = call_now(t);
	u32 id = e ? FR_CALL_ID(e->call) : 0;

	if (t->flags & (PF_MEMALLOC | PF_KSWAPD))
		return KIND_RECLAIM;
	if (!e)
		return KIND_EVICT;
	if (e->direct)
		return KIND_INVALIDATE;
	if (is_advice(id))
		return KIND_DROP;
	/* a write to another file: drop_caches */
	if (is_write(id) && (e->ino != p->ino || e->dev != p->dev))
		return KIND_DROP;
	switch (id) {
	case FR_ID_truncate:
	case FR_ID_truncate64:
	case FR_ID_ftruncate:
	case FR_ID_ftruncate64:
	case FR_ID_open: /* O_TRUNC */
	case FR_ID_openat:
	case FR_ID_openat2:
	case FR_ID_creat:
	case FR_ID_unlink:
	case FR_ID_unlinkat:
	case FR_ID_rename:
	case FR_ID_renameat:
	case FR_ID_renameat2:
	case FR_ID_close: /* of a file without a name */
	case FR_ID_fallocate:
	case FR_ID_umount:
	case FR_ID_umount2:
		return KIND_INVALIDATE;
	}
	return KIND_EVICT;
}

/* ---- the programs ------------------------------------------------------------------- */
SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(cache_add_tp_btf_folio, struct folio___cache *f)
{
	struct pages p = {};

	pages_of_folio(&p, f);
	return page_came(&p);
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(cache_add_tp_btf_page, struct page___cache *page)
{
	struct pages p = {};

	pages_of_page(&p, page);
	return page_came(&p);
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(cache_delete_tp_btf_folio, struct folio___cache *f)
{
	struct pages p = {};

	pages_of_folio(&p, f);
	return cache_event(&p, FR_PROBE_CACHE_DELETE, why_gone(&p));
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(cache_delete_tp_btf_page, struct page___cache *page)
{
	struct pages p = {};

	pages_of_page(&p, page);
	return cache_event(&p, FR_PROBE_CACHE_DELETE, why_gone(&p));
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(cache_dirty_tp_btf_folio, struct folio___cache *f)
{
	struct pages p = {};

	pages_of_folio(&p, f);
	return cache_event(&p, FR_PROBE_CACHE_DIRTY, KIND_DIRTY);
}

SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(cache_dirty_tp_btf_page, struct page___cache *page)
{
	struct pages p = {};

	pages_of_page(&p, page);
	return cache_event(&p, FR_PROBE_CACHE_DIRTY, KIND_DIRTY);
}

#define BATCH 31 /* folios that a read takes in one step */

/* How many of the pages from ${index} to ${last} a read found, that are not counted
 * yet.  A long read looks several times, each time at all that is left: where pages
 * were missing, only what it has passed is counted. */
static __always_inline u64 found(struct asked *a, u64 index, u64 last)
{
	u64 end = last + 1, hits;

	if (a->next == ~0ULL)
		a->next = index;
	if (end - index > BATCH && a->missing)
		end = index;
	if (end <= a->next)
		return 0;
	hits = end - a->next;
	a->next = end;
	if (a->missing >= hits) {
		a->missing -= hits;
		return 0;
	}
	hits -= a->missing;
	a->missing = 0;
	return hits;
}

/* A read looked for pages ${index} to ${last}, and has some of them. */
static __always_inline int looked(struct address_space *m, u64 index, u64 last)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_inflight *e = call_now(t);
	struct pages p = {};
	struct inode *in;
	struct asked *a;
	u64 pages;

	pages_of_mapping(&p, m);
	in = (void *)p.inode;
	pages = ((u64)BPF_CORE_READ(in, i_size) + (1 << PAGE_SHIFT) - 1) >>
		PAGE_SHIFT;
	if (last >= pages && pages)
		last = pages - 1;
	p.index = index;
	p.count = last >= index ? last - index + 1 : 0;
	if (reads_file(e, &p)) {
		a = asked_by(t->pid, e->ts, &p);
		if (a)
			p.count = found(a, index, last);
	} else if (p.count > BATCH) {
		p.count = BATCH; /* whose call it is is not known */
	}
	return cache_event(&p, FR_PROBE_CACHE_HIT, KIND_HIT);
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(cache_hit_tp_btf, struct address_space *m, u64 index, u64 last)
{
	return looked(m, index, last);
}

static __always_inline u64 first_argument(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, di);
#else
	return BPF_CORE_READ(regs, regs[0]);
#endif
}

/* A page was used; one that just came because of this very read is a miss. */
static __always_inline int touched(struct pages *p)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_inflight *e = call_now(t);
	struct asked *a = reads_file(e, p) ? asked_by(t->pid, e->ts, p) : 0;

	if (a && a->missing) {
		if (a->missing >= p->count) {
			a->missing -= p->count;
			p->count = 0;
		} else {
			p->count -= a->missing;
			a->missing = 0;
		}
	}
	return cache_event(p, FR_PROBE_CACHE_HIT, KIND_HIT);
}

static __always_inline int touched_folio(struct folio___cache *f)
{
	struct pages p = {};

	pages_of_folio(&p, f);
	return touched(&p);
}

static __always_inline int touched_page(struct page___cache *page)
{
	struct pages p = {};

	pages_of_page(&p, page);
	return touched(&p);
}

SEC("fentry/folio_mark_accessed")
int BPF_PROG(cache_hit_fentry_folio, struct folio___cache *f)
{
	return touched_folio(f);
}

SEC("kprobe/folio_mark_accessed")
int cache_hit_kprobe_folio(struct pt_regs *regs)
{
	return touched_folio((void *)first_argument(regs));
}

SEC("fentry/mark_page_accessed")
int BPF_PROG(cache_hit_fentry_page, struct page___cache *page)
{
	return touched_page(page);
}

SEC("kprobe/mark_page_accessed")
int cache_hit_kprobe_page(struct pt_regs *regs)
{
	return touched_page((void *)first_argument(regs));
}

/* Pages that a fault maps beside its own, because they are there. */
SEC("tp_btf/mm_filemap_map_pages")
int BPF_PROG(cache_map_tp_btf, struct address_space *m, u64 first, u64 last)
{
	struct pages p = {};

	pages_of_mapping(&p, m);
	p.index = first;
	p.count = last - first + 1;
	return cache_event(&p, FR_PROBE_CACHE_MAP, KIND_HIT);
}

/* The page that a fault asks for. */
SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(cache_ask_tp_btf, struct address_space *m, u64 index)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_CACHE_ASK);
	struct task_struct *t = bpf_get_current_task_btf();
	struct asked *a, fresh = {};
	struct pages p = {};
	u32 tid = t->pid;

	if (!n)
		return 0;
	pages_of_mapping(&p, m);
	a = bpf_map_lookup_elem(&cache_asked, &tid);
	if (!a) {
		bpf_map_update_elem(&cache_asked, &tid, &fresh, BPF_ANY);
		a = bpf_map_lookup_elem(&cache_asked, &tid);
	}
	if (a) {
		a->fault = index;
		a->fault_ino = p.ino;
		a->fault_dev = p.dev;
	}
	n->pending++;
	return 0;
}

/* Start and end of writing back have no tracepoint. */
#define WRITEBACK(fentry, kprobe, fn, type, pages_of, ID, kind)    \
	SEC("fentry/" #fn)                                         \
	int BPF_PROG(fentry, struct type *f)                       \
	{                                                          \
		struct pages p = {};                               \
                                                                   \
		pages_of(&p, f);                                   \
		return cache_event(&p, FR_PROBE_CACHE_##ID, kind); \
	}                                                          \
	SEC("kprobe/" #fn)                                         \
	int kprobe(struct pt_regs *regs)                           \
	{                                                          \
		struct pages p = {};                               \
                                                                   \
		pages_of(&p, (struct type *)first_argument(regs)); \
		return cache_event(&p, FR_PROBE_CACHE_##ID, kind); \
	}

/* clang-format off */
WRITEBACK(cache_wbstart_fentry_folio, cache_wbstart_kprobe_folio, __folio_start_writeback, folio___cache, pages_of_folio, WBSTART, KIND_WRITEBACK_START)
WRITEBACK(cache_wbstart_fentry_page, cache_wbstart_kprobe_page, __test_set_page_writeback, page___cache, pages_of_page, WBSTART, KIND_WRITEBACK_START)
/* the newest first: there folio_end_writeback() covers it */
WRITEBACK(cache_wbend_fentry_new, cache_wbend_kprobe_new, folio_end_writeback_no_dropbehind, folio___cache, pages_of_folio, WBEND, KIND_WRITEBACK_END)
WRITEBACK(cache_wbend_fentry_folio, cache_wbend_kprobe_folio, folio_end_writeback, folio___cache, pages_of_folio, WBEND, KIND_WRITEBACK_END)
WRITEBACK(cache_wbend_fentry_page, cache_wbend_kprobe_page, end_page_writeback, page___cache, pages_of_page, WBEND, KIND_WRITEBACK_END)
/* clang-format on */

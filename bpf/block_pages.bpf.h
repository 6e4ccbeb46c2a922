/* SPDX-License-Identifier: GPL-2.0-only */
/* block_pages.bpf.h - the pages that a bio or a request carries, and their files. */
#ifndef BLOCK_PAGES_BPF_H
#define BLOCK_PAGES_BPF_H

#include "names.bpf.h"

/* The page that has the mapping, if this one is a tail of a larger one. */
static __always_inline struct page *page_head(struct page *page)
{
	struct page___7_1 *newer = (void *)page;
	u64 v;

	if (bpf_core_field_exists(page->compound_head)) {
		v = BPF_CORE_READ(page, compound_head);
		return v & 1 ? (void *)(v & ~1ULL) : page;
	}
	/* 7.1 and later: a mask to apply (all high bits set) or the head + 1 */
	v = BPF_CORE_READ(newer, compound_info);
	if (!(v & 1))
		return page;
	if (v > -(1ULL << 30))
		return (void *)((u64)page & v);
	return (void *)(v & ~1ULL);
}

/* The page cache's mapping that a page is of; 0: it is of no file. */
static __always_inline u64 page_mapping(struct page *page)
{
	u64 mapping;

	if (!page)
		return 0;
	mapping = (u64)BPF_CORE_READ(page_head(page), mapping);
	return mapping & 3 ? 0 : mapping; /* anonymous, or a driver's */
}

/* A place of pages.  Bios that were split share their places: each begins at its
 * own bi_idx. */
static __always_inline struct bio_vec *bio_place(struct bio *bio, u32 i)
{
	return (void *)BPF_CORE_READ(bio, bi_io_vec) +
	       (u64)i * bpf_core_type_size(struct bio_vec);
}

/* The page cache's inode of the first page; NULL: the page is of no file. */
static __always_inline struct inode *bio_inode(struct bio *bio)
{
	struct bio_vec *first;
	u64 mapping;

	if (!BPF_CORE_READ(bio, bi_iter.bi_size))
		return 0;
	first = bio_place(bio, BPF_CORE_READ(bio, bi_iter.bi_idx));
	mapping = page_mapping(BPF_CORE_READ(first, bv_page));
	if (!mapping)
		return 0;
	return BPF_CORE_READ((struct address_space *)mapping, host);
}

/* ---- files of a request -------------------------------------------------------------- */
#define FILES_PAGES_MAX 128 /* places of pages looked at */
#define FILES_MAX       16  /* files told apart */

/* In the second scratch buffer of the probe. */
struct files_seen {
	u64 bio; /* of the next look, 0: no more */
	u64 last;
	u32 at;    /* which of its places */
	u32 bytes; /* of it, from there on */
	u32 nr;
	u32 spare;
	u64 mapping[FILES_MAX];
};

static __always_inline void files_bio(struct files_seen *s, struct bio *bio)
{
	s->bio = (u64)bio;
	if (!bio)
		return;
	s->at = BPF_CORE_READ(bio, bi_iter.bi_idx);
	s->bytes = BPF_CORE_READ(bio, bi_iter.bi_size) +
		   BPF_CORE_READ(bio, bi_iter.bi_bvec_done);
}

/* Looks at one place of pages.  Global: the verifier then does not go through it
 * again for each round. */
__noinline int files_look(struct files_seen *s)
{
	struct bio_vec *v;
	struct bio *bio;
	u64 mapping;
	u32 len;

	if (!s)
		return 0;
	bio = (void *)s->bio;
	v = bio_place(bio, s->at++);
	len = BPF_CORE_READ(v, bv_len);
	if (len && s->bytes > len)
		s->bytes -= len;
	else
		files_bio(s, BPF_CORE_READ(bio, bi_next));
	mapping = page_mapping(BPF_CORE_READ(v, bv_page));
	if (!mapping || mapping == s->last)
		return 0;
	s->last = mapping;
	for (u32 i = 0; i < FILES_MAX; i++) {
		if (i == s->nr) {
			s->mapping[i] = mapping;
			break;
		}
		if (s->mapping[i] == mapping)
			return 0;
	}
	s->nr++;
	return 0;
}

/*
 * How many different files the pages of a request are of.  Merging puts the bios of
 * several into one request, and some file systems (f2fs) their pages into one bio.
 * Bit 31: there is more than was looked at.
 */
static __noinline u32 files_of(u64 rqp)
{
	struct files_seen *s = (void *)scratch_of(FR_PROBE_BLOCK_ISSUE, 1);

	if (!s)
		return 0;
	s->last = 0;
	s->nr = 0;
	files_bio(s, BPF_CORE_READ((struct request *)rqp, bio));
	for (u32 i = 0; i < FILES_PAGES_MAX; i++) {
		if (!s->bio)
			return s->nr;
		if (s->nr > FILES_MAX)
			return FILES_MAX | 1U << 31;
		files_look(s);
	}
	return s->nr | (s->bio ? 1U << 31 : 0);
}

#endif

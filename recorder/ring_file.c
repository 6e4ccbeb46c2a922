/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ring_file.c - geometry and birth of a ring, and the file that carries one. */
#include "recorder/ring_user.h"

#include "dump/ring_region.h"
#include "dump/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LANE_CHUNKS_MIN 4

struct ring_user {
	void *region;
	size_t bytes;
	int fd;
};

#define LANE_FREE_CHUNKS 64 /* 1 MiB */

/* ---- geometry ---------------------------------------------------------------- */

static uint32_t lane_chunks(uint32_t nr_chunks, uint32_t percent)
{
	return (uint32_t)((uint64_t)nr_chunks * percent / 100);
}

static int shares_check(const struct ring_lane_share *shares, unsigned nr,
			uint32_t nr_chunks)
{
	uint32_t seen = 0, sum = 0;
	unsigned i;

	for (i = 0; i < nr; i++) {
		if (shares[i].lane >= FR_LANES_MAX || shares[i].percent > 100 ||
		    (seen & 1u << shares[i].lane))
			return -EINVAL;
		seen |= 1u << shares[i].lane;
		sum += shares[i].percent;
		if (lane_chunks(nr_chunks, shares[i].percent) < LANE_CHUNKS_MIN)
			return -EINVAL;
	}
	return nr && sum <= 100 ? 0 : -EINVAL;
}

int ring_geometry(uint64_t bytes, unsigned nr_cpus,
		  const struct ring_lane_share *shares, unsigned nr_shares,
		  struct ring_geometry *ret)
{
	uint64_t pages = bytes / FR_CHUNK_BYTES;
	struct ring_geometry g;

	if (!nr_cpus || nr_cpus > 1u << 16)
		return -EINVAL;
	g.nr_cpus = nr_cpus;
	g.words_pages = (FR_LANES_MAX * nr_cpus + FR_WORDS_PER_PAGE - 1) /
			FR_WORDS_PER_PAGE;
	if (pages <= 1 + g.words_pages ||
	    pages - 1 - g.words_pages > FR_CHUNKS_MAX)
		return -EINVAL;
	g.nr_pages = (uint32_t)pages;
	g.nr_chunks = g.nr_pages - 1 - g.words_pages;
	if (shares_check(shares, nr_shares, g.nr_chunks) < 0)
		return -EINVAL;
	*ret = g;
	return 0;
}

/* ---- birth ------------------------------------------------------------------- */

/* "8a6e...-..." as 16 bytes; zeros if there is none. */
static void read_boot_id(uint8_t id[16])
{
	char text[64] = "";
	unsigned n = 0;
	const char *s;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, 0, 16);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	for (s = text; *s && n < 32; s++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = strchr(digits, *s);

		if (!d)
			continue;
		id[n / 2] |= (uint8_t)((d - digits) << (n % 2 ? 0 : 4));
		n++;
	}
}

static int64_t mono_to_real(void)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)real.tv_sec * 1000000000 + real.tv_nsec -
	       (int64_t)ring_now_ns();
}

/* Room that a hold leaves: an eighth; more of a small lane, which has to last for
 * as long as a large one; at least one chunk. */
static uint32_t lane_limit_free(uint32_t nr)
{
	uint32_t free = nr / 8;

	if (nr >= LANE_FREE_CHUNKS && free < LANE_FREE_CHUNKS)
		free = nr / 4 < LANE_FREE_CHUNKS ? nr / 4 : LANE_FREE_CHUNKS;
	return free ? free : 1;
}

static void init_lanes(struct fr_ring_head *head,
		       const struct ring_lane_share *shares, unsigned nr_shares)
{
	uint32_t first = 0;
	unsigned i;

	for (i = 0; i < FR_LANES_MAX; i++)
		head->lanes[i].next = 1;
	for (i = 0; i < nr_shares; i++) {
		struct fr_lane *l = &head->lanes[shares[i].lane];

		l->first = first;
		l->nr = lane_chunks(head->nr_chunks, shares[i].percent);
		l->limit_free = lane_limit_free(l->nr);
		first += l->nr;
	}
}

int ring_init(void *region, const struct ring_geometry *g,
	      const struct ring_lane_share *shares, unsigned nr_shares)
{
	struct fr_ring_head *head = region;
	uint32_t i;

	if (shares_check(shares, nr_shares, g->nr_chunks) < 0)
		return -EINVAL;
	head->version = FR_RING_VERSION;
	head->layout_hash = fr_layout_hash();
	read_boot_id(head->boot_id);
	if (getrandom(&head->instance, sizeof(head->instance), 0) < 0)
		return -errno;
	head->created_ns = ring_now_ns();
	head->mono_to_real_ns = mono_to_real();
	head->nr_lanes = FR_LANES_MAX;
	head->nr_cpus = g->nr_cpus;
	head->nr_chunks = g->nr_chunks;
	head->first_chunk = 1 + g->words_pages;
	head->owner_pid = (uint32_t)getpid();
	init_lanes(head, shares, nr_shares);
	for (i = 0; i < FR_LANES_MAX * g->nr_cpus; i++)
		ring_region_word(region, 0, 0)[i].pos = FR_POS_NONE;
	for (i = 0; i < g->nr_chunks; i++)
		ring_region_chunk(region, i)->committed =
			FR_COMMIT(0, FR_CHUNK_RECORD_SLOTS);
	/* Release: pairs with the load of magic by who maps the ring. */
	__atomic_store_n(&head->magic, FR_RING_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

/* ---- the file ---------------------------------------------------------------- */

static struct ring_user *ring_user_map(int fd, size_t bytes)
{
	struct ring_user *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = fd;
	r->bytes = bytes;
	r->region =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->region == MAP_FAILED) {
		free(r);
		return NULL;
	}
	return r;
}

struct ring_user *ring_user_create(const char *path, uint64_t bytes,
				   const struct ring_lane_share *shares,
				   unsigned nr_shares, unsigned nr_writers)
{
	struct ring_user *r = NULL;
	struct ring_geometry g;
	int fd, err;

	err = ring_geometry(bytes, nr_writers, shares, nr_shares, &g);
	if (err < 0) {
		errno = -err;
		return NULL;
	}
	/* A new file: who has the old one mapped keeps it. */
	if (unlink(path) < 0 && errno != ENOENT)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	bytes = (uint64_t)g.nr_pages * FR_CHUNK_BYTES;
	/* Allocated now, so that a full tmpfs is an error here and not a
	 * SIGBUS of some writer later. */
	err = posix_fallocate(fd, 0, (off_t)bytes);
	if (!err) {
		r = ring_user_map(fd, (size_t)bytes);
		err = r ? -ring_init(r->region, &g, shares, nr_shares) : errno;
	}
	if (!err)
		return r;
	if (r)
		ring_user_close(r);
	else
		close(fd);
	unlink(path);
	errno = err;
	return NULL;
}

/* The geometry that ring_user_open() may trust. */
static int head_check(const struct fr_ring_head *head, uint64_t bytes)
{
	uint64_t pages = bytes / FR_CHUNK_BYTES, words = 0;
	unsigned i;

	/* Acquire: pairs with ring_init(). */
	if (__atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != FR_RING_MAGIC ||
	    head->version != FR_RING_VERSION ||
	    head->layout_hash != fr_layout_hash())
		return -ESTALE;
	words = ((uint64_t)FR_LANES_MAX * head->nr_cpus + FR_WORDS_PER_PAGE -
		 1) /
		FR_WORDS_PER_PAGE;
	if (!head->nr_cpus || head->nr_lanes != FR_LANES_MAX ||
	    head->first_chunk != 1 + words ||
	    (uint64_t)head->first_chunk + head->nr_chunks != pages)
		return -ESTALE;
	for (i = 0; i < FR_LANES_MAX; i++)
		if ((uint64_t)head->lanes[i].first + head->lanes[i].nr >
		    head->nr_chunks)
			return -ESTALE;
	return 0;
}

struct ring_user *ring_user_open(const char *path)
{
	struct ring_user *r = NULL;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0)
		err = errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < 2 * FR_CHUNK_BYTES)
		err = ESTALE;
	if (!err) {
		r = ring_user_map(fd, (size_t)st.st_size);
		err = r ? -head_check(r->region, (uint64_t)st.st_size) : errno;
	}
	if (!err)
		return r;
	if (r)
		ring_user_close(r);
	else
		close(fd);
	errno = err;
	return NULL;
}

void ring_user_close(struct ring_user *r)
{
	if (!r)
		return;
	munmap(r->region, r->bytes);
	close(r->fd);
	free(r);
}

struct fr_ring_head *ring_user_head(struct ring_user *r)
{
	return r->region;
}

size_t ring_user_bytes(const struct ring_user *r)
{
	return r->bytes;
}

int ring_user_fd(const struct ring_user *r)
{
	return r->fd;
}

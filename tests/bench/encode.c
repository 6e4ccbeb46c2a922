/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.c - how fast records become a snapshot, and how small.
 *
 *   encode [-l LEVEL] [-n ROUNDS] [FILE.frs]
 *
 * Without a file, records are made up: processes on four CPUs that open, read,
 * write and close files, with heavy-tailed durations.  With one, all of its
 * own records are encoded again.  One thread; CPU time is counted, so that
 * other work on the machine disturbs less.  Reading back is timed, too, and, in turn
 * with both, what zstd alone takes for the same records at level 1 (as whoever has
 * no columns would compress them): the speed of a machine, which may change from one
 * minute to the next, is the same for all of them.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "dump/snapshot_read.h"

#define EVENTS (1u << 20)
#define CPUS   4
#define NAME   "flightrec-encode"

struct row {
	uint64_t seq;
	uint8_t *bytes; /* whole words */
	uint16_t cpu, lane, len;
};

struct rows {
	struct row *at;
	size_t nr, size;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Zeroed; from pieces that are never freed before the end. */
static uint8_t *take_bytes(size_t len)
{
	static uint8_t *piece;
	static size_t left;
	uint8_t *at;

	len = (len + 7) & ~(size_t)7;
	if (left < len) {
		left = 16u << 20;
		piece = calloc(1, left);
		if (!piece)
			exit(1);
	}
	at = piece;
	piece += len;
	left -= len;
	return at;
}

static struct row *rows_add(struct rows *r, size_t len)
{
	if (r->nr == r->size) {
		r->size = r->size ? 2 * r->size : EVENTS;
		r->at = realloc(r->at, r->size * sizeof(*r->at));
		if (!r->at)
			exit(1);
	}
	r->at[r->nr].len = (uint16_t)len;
	r->at[r->nr].bytes = take_bytes(len);
	return &r->at[r->nr++];
}

/* ---- made up -------------------------------------------------------------- */

static uint64_t state = 88172645463325252ULL;

static uint64_t next_random(void) /* xorshift64 */
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static double next_uniform(void)
{
	return (double)(next_random() >> 11) / 9007199254740992.0;
}

/* Log-normal about ${median}: what latencies look like. */
static uint32_t next_duration(double median)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += next_uniform();
	return (uint32_t)(median * exp((sum - 6) * 0.7));
}

struct process {
	uint32_t pid, fd;
	uint64_t ino, size, offset;
	uint32_t buffer;
	uint16_t born;
};

static void make_file(struct process *p)
{
	p->fd = 3 + next_random() % 4;
	p->ino = 1000000 + next_random() % 20000;
	p->size = next_random() % 16 ? next_random() % 40000 :
				       next_random() % 4000000;
	p->buffer = next_random() % 2 ? 4096 : 65536;
	p->offset = 0;
}

/* The next operation of a process: reads until end of file, then closes. */
static void make_record(struct process *p, uint64_t *now, struct fr_fs_io *r)
{
	uint64_t left = p->size - p->offset;
	uint32_t moved = left < p->buffer ? (uint32_t)left : p->buffer;

	memset(r, 0, sizeof(*r));
	r->ts = *now + next_duration(300);
	r->tid = r->pid = p->pid;
	r->born = p->born;
	r->ino = p->ino;
	r->pkey = (uint16_t)(p->ino * 40503u);
	r->dev = 0xfe00001;
	r->fd = (int32_t)p->fd;
	r->offset = p->offset;
	if (p->offset == p->size && next_random() % 2) {
		r->head = FR_HEAD(0, 0, FR_T_fs_io, 11); /* close */
		r->dur = next_duration(250);
		make_file(p);
	} else {
		r->head = FR_HEAD(0, 0, FR_T_fs_io, 1); /* read */
		r->size = p->buffer;
		r->ret = (int32_t)moved;
		r->dur = next_duration(200 + moved / 10.0);
		p->offset += moved;
	}
	*now = r->ts + r->dur;
}

/* Chunks of 255 records, each of one CPU, on which processes take turns. */
static void make_rows(struct rows *rows)
{
	struct process procs[CPUS][4];
	uint64_t now[CPUS], ordinal = 1;
	unsigned turn = 0;

	for (unsigned i = 0; i < CPUS * 4; i++) {
		struct process *p = &procs[i / 4][i % 4];

		p->pid = 2000 + i * 7;
		p->born = (uint16_t)next_random();
		make_file(p);
		now[i / 4] = 1000000000;
	}
	for (; rows->nr + 255 <= EVENTS; ordinal++) {
		unsigned cpu = ordinal % CPUS;

		for (unsigned i = 1; i <= 255; i++) {
			struct row *row =
				rows_add(rows, sizeof(struct fr_fs_io));

			if (next_random() % 100 == 0)
				turn++;
			row->seq = ordinal << 8 | i;
			row->cpu = (uint16_t)cpu;
			row->lane = FR_LANE_FS;
			make_record(&procs[cpu][turn % 4], &now[cpu],
				    (struct fr_fs_io *)(void *)row->bytes);
		}
	}
}

/* ---- of a file ------------------------------------------------------------ */

/* Bytes [*ret_from, end[i]) belong to row ${i}. */
static uint32_t text_of(const uint32_t *end, uint32_t i, uint32_t *ret_from)
{
	*ret_from = i ? end[i - 1] : 0;
	return end[i] - *ret_from;
}

static void load_field(uint8_t *at, const struct snap_column *c, uint32_t i)
{
	uint32_t from, len;

	if (c->u64) {
		memcpy(at, &c->u64[i], c->field->width);
		return;
	}
	len = text_of(c->end, i, &from);
	memcpy(at, c->bytes + from, len);
}

static void load_row(struct rows *rows, const struct snap_block *b, uint32_t i)
{
	const struct fr_schema *s = b->schema;
	uint64_t head = FR_HEAD(0, 0, s->type, b->aux[i]);
	uint32_t from = 0, tail = b->tail ? text_of(b->tail_end, i, &from) : 0;
	struct row *row = rows_add(rows, s->bytes + tail);

	row->seq = b->seq[i];
	row->cpu = b->cpu[i];
	row->lane = b->lane[i];
	memcpy(row->bytes, &head, 8);
	memcpy(row->bytes + 8, &b->ts[i], 8);
	for (unsigned f = 0; f < s->nr_fields; f++)
		load_field(row->bytes + s->fields[f].offset, &b->columns[f], i);
	if (tail)
		memcpy(row->bytes + s->bytes, b->tail + from, tail);
}

static int load_rows(const char *path, struct rows *rows)
{
	struct snap_diag diag;
	struct snap *s = snap_open(path, &diag);

	if (!s) {
		fprintf(stderr, "%s\n", diag.text);
		return -1;
	}
	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		struct snap_block *b = snap_read_block(s, i);

		for (uint32_t k = 0; b && k < b->rows; k++)
			load_row(rows, b, k);
		snap_free_block(b);
	}
	snap_close(s);
	return rows->nr ? 0 : -1;
}

/* ---- measured ------------------------------------------------------------- */

static uint64_t encode(const struct rows *rows, const char *folder, int level,
		       uint64_t *ret_ns)
{
	struct snap_writer *w = snap_create(folder, NAME, level);
	uint64_t begin, bytes = 0;
	int err = w ? 0 : -errno;

	begin = cpu_ns();
	for (size_t i = 0; !err && i < rows->nr; i++)
		err = snap_put(w, rows->at[i].lane, rows->at[i].cpu,
			       rows->at[i].seq, rows->at[i].bytes,
			       rows->at[i].len);
	if (!err)
		err = snap_finish(w, &bytes);
	*ret_ns = cpu_ns() - begin;
	if (err) {
		fprintf(stderr, "%s: %s\n", folder, strerror(-err));
		exit(1);
	}
	return bytes;
}

static uint64_t decode(const char *path)
{
	struct snap_diag diag;
	uint64_t begin = cpu_ns();
	struct snap *s = snap_open(path, &diag);

	for (unsigned i = 0; s && i < snap_nr_blocks(s); i++)
		snap_free_block(snap_read_block(s, i));
	snap_close(s);
	return cpu_ns() - begin;
}

/* Ring slots the records take (ring.h). */
static size_t count_slots(const struct rows *rows)
{
	size_t nr = 0;

	for (size_t i = 0; i < rows->nr; i++)
		nr += 1 + (rows->at[i].len - FR_SLOT_BYTES + FR_CONT_BYTES -
			   1) / FR_CONT_BYTES;
	return nr;
}

/* As they stand in the ring, without its heads. */
static uint8_t *flatten(const struct rows *rows, size_t *ret_len)
{
	size_t len = 0;
	uint8_t *all;

	for (size_t i = 0; i < rows->nr; i++)
		len += rows->at[i].len;
	all = malloc(len);
	if (!all)
		exit(1);
	*ret_len = len;
	len = 0;
	for (size_t i = 0; i < rows->nr; i++) {
		memcpy(all + len, rows->at[i].bytes, rows->at[i].len);
		len += rows->at[i].len;
	}
	return all;
}

static uint64_t compress_flat(const uint8_t *flat, size_t len,
			      size_t *ret_bytes)
{
	size_t room = ZSTD_compressBound(len);
	void *out = malloc(room);
	uint64_t begin;

	if (!out)
		exit(1);
	begin = cpu_ns();
	*ret_bytes = ZSTD_compress(out, room, flat, len, 1);
	begin = cpu_ns() - begin;
	free(out);
	if (ZSTD_isError(*ret_bytes))
		exit(1);
	return begin;
}

static void measure(const struct rows *rows, int level, int rounds)
{
	const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	char folder[64], path[128];
	double slot_bytes = (double)count_slots(rows) * FR_SLOT_BYTES;
	uint64_t bytes = 0, best = UINT64_MAX, read_best = UINT64_MAX, ns;
	uint64_t zstd_best = UINT64_MAX;
	size_t flat_len, zstd_bytes = 0;
	uint8_t *flat = flatten(rows, &flat_len);

	snprintf(folder, sizeof(folder), "%s/frs-XXXXXX", base);
	if (!mkdtemp(folder))
		exit(1);
	snprintf(path, sizeof(path), "%s/" NAME SNAP_SUFFIX, folder);
	for (int i = 0; i < rounds; i++) {
		bytes = encode(rows, folder, level, &ns);
		best = ns < best ? ns : best;
		ns = decode(path);
		read_best = ns < read_best ? ns : read_best;
		unlink(path);
		ns = compress_flat(flat, flat_len, &zstd_bytes);
		zstd_best = ns < zstd_best ? ns : zstd_best;
	}
	free(flat);
	rmdir(folder);
	printf("{\"events\": %zu, \"bytes_per_event\": %.2f, "
	       "\"slot_mb_per_s\": %.0f, \"read_slot_mb_per_s\": %.0f, "
	       "\"zstd_mb_per_s\": %.0f, \"zstd_bytes_per_event\": %.2f, "
	       "\"vs_zstd\": %.3f, \"size_vs_zstd\": %.3f}\n",
	       rows->nr, (double)bytes / (double)rows->nr,
	       slot_bytes * 1e3 / (double)best,
	       slot_bytes * 1e3 / (double)read_best,
	       slot_bytes * 1e3 / (double)zstd_best,
	       (double)zstd_bytes / (double)rows->nr,
	       (double)zstd_best / (double)best,
	       (double)bytes / (double)zstd_bytes);
}

int main(int argc, char **argv)
{
	struct rows rows = { 0 };
	int option, level = 1, rounds = 5;

	while ((option = getopt(argc, argv, "l:n:")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: encode [-l LEVEL] [-n ROUNDS] "
					"[FILE.frs]\n");
			return 2;
		}
		*(option == 'l' ? &level : &rounds) =
			(int)strtol(optarg, NULL, 10);
	}
	if (optind == argc)
		make_rows(&rows);
	else if (load_rows(argv[optind], &rows))
		return 1;
	measure(&rows, level, rounds);
	free(rows.at);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_chain.c - which block requests an operation waited for, and how long; words
 * of enumerations that a snapshot brings along. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/chain.h"
#include "dump/enum_facts.h"
#include "tests/unit/snapshot_made.h"

#define USEC       1000ULL
#define CALL_READ  1
#define CALL_FSYNC 13
#define CALL_SYNC  16
#define BEGIN      (1000 * USEC) /* of the operation */
#define DUR        (100 * USEC)
#define PID        50
#define INO        1000
#define OTHER_PID  60
#define DISK       (8u << 20)

static char folder[] = "/tmp/test_chain.XXXXXX";
static struct view *v;
static struct chain ch;

static struct made begin(void)
{
	struct made m = { .w = snap_create(folder, "a", 1) };

	assert_non_null(m.w);
	made_facts(&m, "00c0ffee00c0ffee");
	return m;
}

static void end(struct made *m)
{
	struct snap_diag diag;
	char path[128];

	assert_int_equal(snap_finish(m->w, NULL), 0);
	snprintf(path, sizeof(path), "%s/a.frs", folder);
	v = view_new();
	assert_int_equal(view_add_file(v, path, &diag), 0);
	assert_int_equal(view_load(v, NULL, &diag), 0);
	assert_int_equal(chain_init(&ch, v), 0);
	unlink(path);
}

static void done(void)
{
	chain_free(&ch);
	view_free(v);
}

/* A write of 4 KiB to the partition of the file system. */
static struct fr_block request(uint64_t from, uint64_t until, uint32_t pid,
			       uint64_t ino)
{
	return (struct fr_block){ .ts = BEGIN + from * USEC,
				  .dur = (until - from) * USEC,
				  .queue_dur = USEC,
				  .sector = 64,
				  .dev = DISK,
				  .part_dev = MADE_DEV,
				  .size = 4096,
				  .moved = 4096,
				  .cmd_flags = 1,
				  .pid = pid,
				  .tid = pid,
				  .born = MADE_BORN,
				  .ino = ino,
				  .file_dev = ino == UINT64_MAX ? UINT32_MAX :
								  MADE_DEV,
				  .pkey = UINT16_MAX,
				  .mixed = UINT16_MAX,
				  .dirtier_pid = UINT32_MAX,
				  .dirtier_tid = UINT32_MAX,
				  .dirtier_born = UINT16_MAX };
}

static void put(struct made *m, struct fr_block b)
{
	made_put(m, FR_LANE_BLOCK, FR_T_block, 0, &b, sizeof(b), NULL, 0);
}

static void put_op(struct made *m, unsigned call)
{
	made_put_io(m, call, made_io(BEGIN, DUR, PID, INO, 4096, 0));
}

static void follow(struct chain_links *ret)
{
	struct chain_op op;
	bool found = false;

	for (size_t i = 0; i < view_nr_rows(v) && !found; i++) {
		view_seek(ch.c, i);
		found = chain_get_op(&ch, ch.c, i, &op);
	}
	assert_true(found);
	assert_int_equal(chain_follow(&ch, &op, ret), 0);
}

/* Its own, its file's, the journal's; not those before, behind, of others. */
static void put_all(struct made *m)
{
	struct fr_block flush = request(70, 80, OTHER_PID, UINT64_MAX);

	flush.cmd_flags = 2;
	flush.part_dev = UINT32_MAX; /* flushes go to the disk */
	put(m, request(-20, -10, PID, INO));
	put(m, request(-5, 10, OTHER_PID, INO)); /* under way when it began */
	put(m, request(20, 40, PID, INO));
	put(m, request(30, 50, OTHER_PID, INO + 1));
	put(m, request(50, 60, OTHER_PID, UINT64_MAX)); /* metadata */
	put(m, flush);
	put(m, request(120, 130, PID, INO));
}

static void fsync_waits_for_the_device(void **state)
{
	const enum chain_why why[] = { CHAIN_INODE, CHAIN_THREAD, CHAIN_DEVICE,
				       CHAIN_DEVICE };
	struct made m = begin();
	struct chain_links l;

	(void)state;
	put_op(&m, CALL_FSYNC);
	put_all(&m);
	end(&m);
	follow(&l);
	assert_int_equal(l.nr, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(l.links[i].why, why[i]);
	assert_int_equal(l.nr_others, 1);
	/* 0-10, 20-40, 50-60, 70-80 */
	assert_int_equal(l.explained_ns, 50 * USEC);
	free(l.links);
	done();
}

static void read_waits_for_its_file(void **state)
{
	struct made m = begin();
	struct chain_links l;

	(void)state;
	put_op(&m, CALL_READ);
	put_all(&m);
	end(&m);
	follow(&l);
	assert_int_equal(l.nr, 2);
	assert_int_equal(l.links[0].why, CHAIN_INODE);
	assert_int_equal(l.links[1].why, CHAIN_THREAD);
	assert_int_equal(l.nr_others, 3);
	assert_int_equal(l.explained_ns, 30 * USEC);
	free(l.links);
	done();
}

static void sync_waits_for_all_files(void **state)
{
	struct made m = begin();
	struct chain_links l;

	(void)state;
	put_op(&m, CALL_SYNC);
	put_all(&m);
	end(&m);
	follow(&l);
	assert_int_equal(l.nr, 5);
	assert_int_equal(l.links[2].why, CHAIN_FILESYSTEM);
	/* 0-10, 20-60, 70-80: what overlaps counts once */
	assert_int_equal(l.explained_ns, 60 * USEC);
	free(l.links);
	done();
}

static void words_of_the_recorded_kernel(void **state)
{
	char buf[ENUM_FACT_TEXT];
	struct made m = begin();
	struct snap *s;

	(void)state;
	snap_put_fact(m.w, "enum.drop_reason",
		      "2=NOT_SPECIFIED 3=NO_SOCKET 30=");
	snap_put_fact(m.w, "enum.drop_reason_subsys", "0=CORE 1=MAC80211");
	end(&m);
	s = view_snap(v, 0);
	assert_string_equal(enum_fact(s, "drop_reason", 3, buf), "NO_SOCKET");
	assert_string_equal(enum_fact(s, "drop_reason", 2, buf),
			    "NOT_SPECIFIED");
	assert_null(enum_fact(s, "drop_reason", 30, buf));
	assert_null(enum_fact(s, "drop_reason", 0, buf));
	assert_null(enum_fact(s, "nothing", 3, buf));
	assert_string_equal(enum_fact_drop_reason(s, 3, buf), "NO_SOCKET");
	assert_string_equal(enum_fact_drop_reason(s, 0x10007, buf),
			    "MAC80211(0x10007)");
	assert_string_equal(enum_fact_drop_reason(s, 0x70007, buf),
			    "REASON(0x70007)");
	assert_string_equal(enum_fact_drop_reason(s, 77, buf), "REASON(0x4d)");
	done();
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fsync_waits_for_the_device),
		cmocka_unit_test(read_waits_for_its_file),
		cmocka_unit_test(sync_waits_for_all_files),
		cmocka_unit_test(words_of_the_recorded_kernel),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

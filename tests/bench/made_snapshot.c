/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * made_snapshot.c - FOLDER NAME ROWS: writes a snapshot of made-up operations,
 * for tests of the commands that read and for timing them.
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/snapshot_made.h"

#define MSEC      1000000ULL
#define FILES     200
#define PROCESSES 20

static void put_names(struct made *m)
{
	char parts[64], comm[16];

	for (unsigned i = 0; i < FILES; i++) {
		int n = snprintf(parts, sizeof(parts), "file-%u%cdata%cvar%c",
				 i, 0, 0, 0);

		made_path(m, 1, 1000 + i, 9, parts, (size_t)n, 0);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		snprintf(comm, sizeof(comm), "worker-%u", i);
		made_proc(m, 1, 100 + i, 100 + i, comm);
	}
	made_string(m, 1, 0xdef, "/etc/none");
}

static void put_samples(struct made *m)
{
	int64_t values[4] = { 0, 0, 0, 0 };

	made_metric(m, 1, 1, 2, 1, "disk.vda.reads\0requests\0made", 28);
	made_metric(m, 1, 2, 1, 100, "pressure.io\0percent\0made", 24);
	made_metric(m, 1, 3, 2, 1, "vm.pgfault\0pages\0made", 21);
	/* leaps, and is gone before the trigger */
	made_metric(m, 1, 4, 1, 1, "disk.vdb.queue\0requests\0made", 29);
	for (uint64_t s = 40; s < 65; s++) {
		values[3] = s < 56 ? 1 : 1000;
		values[0] += s < 59 ? 10 : 900;
		values[1] = s < 59 ? 15 : 8750;
		values[2] += 1000;
		made_values(m, s * 1000 * MSEC, values, s < 57 ? 4 : 3);
	}
}

static void put_block(struct made *m, uint64_t ts, uint64_t dur)
{
	struct fr_block b = { .ts = ts,
			      .dur = dur,
			      .queue_dur = dur / 4,
			      .sector = 8192,
			      .dev = MADE_DEV,
			      .size = 4096,
			      .moved = 4096,
			      .pid = 100,
			      .tid = 100,
			      .born = MADE_BORN,
			      .ino = 1000,
			      .file_dev = MADE_DEV,
			      .pkey = 9,
			      .part_dev = UINT32_MAX,
			      .mixed = UINT16_MAX,
			      .dirtier_born = UINT16_MAX,
			      .dirtier_pid = UINT32_MAX,
			      .dirtier_tid = UINT32_MAX };

	made_put(m, FR_LANE_BLOCK, FR_T_block, 0, &b, sizeof(b), NULL, 0);
}

static void put_inflight(struct made *m)
{
	struct fr_inflight_fs r = { .ts = 58000 * MSEC,
				    .asked2 = ~0ull,
				    .dir2_ino = ~0ull,
				    .dir2_dev = ~0u,
				    .dir2_pkey = 0xffff,
				    .age = 2100 * MSEC,
				    .tid = 103,
				    .pid = 103,
				    .born = MADE_BORN,
				    .pkey = 9,
				    .dev = MADE_DEV,
				    .ino = 1007,
				    .offset = 0,
				    .size = 4096,
				    .asked = UINT64_MAX,
				    .dir_ino = UINT64_MAX,
				    .dir_dev = UINT32_MAX,
				    .dir_pkey = UINT16_MAX,
				    .fd = 5 };

	made_put(m, FR_LANE_OTHER, FR_T_inflight_fs, 13, &r, sizeof(r), NULL,
		 0);
}

/* Operations spread over the 60 s before the trigger; the last is slow. */
static void put_operations(struct made *m, unsigned long rows)
{
	for (unsigned long i = 0; i < rows; i++) {
		uint64_t ts = 1 + 60000 * MSEC / rows * i;
		struct fr_fs_io io =
			made_io(ts, (uint32_t)(500 + i * 7919 % 100000),
				100 + (uint32_t)(i % PROCESSES),
				1000 + i * 31 % FILES, 4096,
				i % 1000 == 999 ? -4 : 4096);

		if (i + 1 == rows) {
			io.ts = 60000 * MSEC;
			io.dur = 50 * MSEC;
		}
		made_put_io(m, i % 3 ? 3 : 4, io);
		if (i % 100 == 50)
			put_block(m, ts, 200000 + i % 7 * 100000);
	}
}

int main(int argc, char **argv)
{
	struct snap_coverage c = { .lane = FR_LANE_FS,
				   .from_ns = 1,
				   .to_ns = 60050 * MSEC };
	struct fr_fs_path open;
	struct made m = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: made_snapshot FOLDER NAME ROWS\n");
		return 2;
	}
	m.w = snap_create(argv[1], argv[2], 1);
	if (!m.w) {
		perror(argv[1]);
		return 1;
	}
	made_facts(&m, "00c0ffee00c0ffee");
	snap_put_fact(m.w, "recorder.config",
		      "# in force\n\n[ring]\n\n# the ring\nmemory = 64MiB\n");
	snap_put_fact(m.w, "device.8:3", "sda3");
	snap_put_fact(m.w, "trigger.dur_ns", "50000000");
	snap_put_fact(m.w, "trigger.when", "%s", "");
	snap_put_fact(m.w, "probe.fs.sys_exit",
		      "mechanism=tp_btf attached=yes hits=10 records=10");
	snap_put_fact(m.w, "probe.block.done",
		      "mechanism=tp_btf attached=yes hits=10 records=10");
	put_names(&m);
	put_samples(&m);
	put_operations(&m, strtoul(argv[3], NULL, 10));
	open = made_open(59000 * MSEC, 100, 0xdef, -2);
	made_put(&m, FR_LANE_FS, FR_T_fs_path, 71, &open, sizeof(open), NULL,
		 0);
	put_inflight(&m);
	c.records = strtoul(argv[3], NULL, 10) + 1;
	c.lost = 3;
	snap_put_coverage(m.w, &c);
	if (snap_finish(m.w, NULL)) {
		fprintf(stderr, "made_snapshot: %s cannot be written\n",
			argv[2]);
		return 1;
	}
	return 0;
}

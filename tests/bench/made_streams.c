/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * made_streams.c - FOLDER NAME ROWS [FIRST]: writes a snapshot with ROWS records of
 * each stream, from number FIRST on, of known values and with hostile names: what
 * the exporters are tested with.  Record i of any stream begins at i ms.
 */
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/snapshot_made.h"

#define MSEC   1000000ULL
#define PID    100
#define COUNT  6 /* files with a name of their own */
#define HASH   0xdef0
#define AF_IN  2
#define AF_IN6 10

/* Whatever a file may be called. */
static const char *const names[COUNT] = {
	"plain",        "new\nline", "quo\"te, comma",
	"\xff\xfe\x80", "a -> b",    "back\\slash \xc3\xa9"
};
/* IPv4 192.0.2.7, IPv6 2001:db8::1 */
static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

struct who { /* the members that all records have */
	uint64_t ts;
	unsigned i;
};

static void put_names(struct made *m)
{
	char text[128];

	for (unsigned i = 0; i < COUNT; i++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "%s%csrv%c",
					    names[i], 0, 0);

		made_path(m, 1, 1000 + i, 9, text, n, 0);
		snprintf(text, sizeof(text), "/srv/%s", names[i]);
		made_string(m, 1, HASH + i, text);
	}
	made_proc(m, 1, PID, PID, "wor,\"ker");
	made_string(m, 1, HASH + COUNT, "@abstract");
}

#define WHO(w) .ts = (w)->ts, .tid = PID, .pid = PID, .born = MADE_BORN
#define PUT(m, lane, type, aux, rec)                                       \
	made_put(m, FR_LANE_##lane, FR_T_##type, aux, rec, sizeof(*(rec)), \
		 NULL, 0)

/* Reads and writes, some direct; every third failed, every fourth at offset 0. */
static void put_io(struct made *m, const struct who *w)
{
	struct fr_fs_io r =
		made_io(w->ts, 1000 + w->i, PID, 1000 + w->i % COUNT,
			w->i % 5 * 512, w->i % 3 ? (int)(w->i % 5 * 512) : -5);

	r.fd = w->i % 2 ? 0 : -1;
	r.offset = w->i % 4 ? 4096 : 0;
	PUT(m, FS, fs_io,
	    (w->i % 2 ? 3U : 4U) | (w->i % 7 ? 0 : FR_CALL_DIRECT), &r);
}

static void put_paths(struct made *m, const struct who *w)
{
	struct fr_fs_path open =
		made_open(w->ts, PID, HASH + w->i % COUNT, w->i % 2 ? 3 : -2);
	struct fr_fs_path2 two = { WHO(w),
				   .dur = 3000,
				   .mode = -1,
				   .asked = HASH + w->i % COUNT,
				   .asked2 = HASH + (w->i + 1) % COUNT,
				   .dir_ino = UINT64_MAX,
				   .dir2_ino = UINT64_MAX,
				   .dir_dev = -1,
				   .dir2_dev = -1,
				   .dir_pkey = -1,
				   .dir2_pkey = -1,
				   .dev = -1,
				   .ino = UINT64_MAX };

	open.flags = 01102; /* O_RDWR|O_CREAT|O_TRUNC */
	PUT(m, FS, fs_path, 71, &open);
	PUT(m, FS, fs_path2, w->i % 2 ? 130 : 135, &two); /* rename, symlink */
}

static void put_block(struct made *m, const struct who *w)
{
	struct fr_block r = { WHO(w),
			      .dur = 1000001 + w->i,
			      .queue_dur = w->i % 2 ? 0 : 250000,
			      .sector = w->i % 2 ? 0 : 1ULL << 33,
			      .dev = MADE_DEV,
			      .size = 4096,
			      .moved = 4096,
			      .cmd_flags = 1U | 1U << 11,
			      .ino = 1000 + w->i % COUNT,
			      .file_dev = MADE_DEV,
			      .pkey = 9 };

	PUT(m, BLOCK, block, w->i % 5 ? 0 : 5, &r);
}

static void put_cache(struct made *m, const struct who *w)
{
	struct fr_cache r = { WHO(w),
			      .pkey = 9,
			      .dev = MADE_DEV,
			      .ino = 1000 + w->i % COUNT,
			      .index = w->i % 10,
			      .count = 1,
			      .weight = 1,
			      .file_size = 128 * 4096 + 1 };

	PUT(m, CACHE, cache, w->i % 10, &r);
}

static void put_sockets(struct made *m, const struct who *w)
{
	bool six = w->i % 2, fails = w->i % 5 == 0;
	struct fr_net_io io = { WHO(w),
				.dur = 5000,
				.family = six ? AF_IN6 : AF_IN,
				.lport = w->i % 4 ? 4711 : 0,
				.rport = 443,
				.size = 100,
				.moved = fails ? 0 : 100,
				.ret = fails ? -32 : 100,
				.ino = 77,
				.fd = 0,
				.flags = 0x4000, /* MSG_NOSIGNAL */
				.protocol = w->i % 3 ? 6 : 17,
				.sock_type = w->i % 3 ? 1 : 2,
				.direction = w->i % 2,
				.weight = 1 };
	struct fr_conn c = { WHO(w),
			     .dur = 6000,
			     .family = six ? 1 : AF_IN,
			     .ret = six ? 0 : -111,
			     .fd = 5,
			     .backlog = -1,
			     .asked = six ? HASH + COUNT : UINT64_MAX,
			     .ino = 78,
			     .sock_type = 1,
			     .how = -1,
			     .fd2 = -1,
			     .weight = 1 };

	memcpy(io.laddr, six ? v6 : v4, 16);
	memcpy(io.raddr, six ? v6 : v4, 16);
	memset(c.laddr, 0xff, 16);
	memcpy(c.raddr, v4, 16);
	if (six)
		memset(c.raddr, 0xff, 16);
	PUT(m, NET, net_io, w->i % 2 ? 180 : 181, &io);
	PUT(m, OTHER, conn, 196, &c); /* connect */
}

static void put_epoll(struct made *m, const struct who *w)
{
	bool ctl = w->i % 2;
	struct fr_epoll r = { WHO(w),
			      .dur = 7000,
			      .ctl_op = ctl ? 3 : -1,
			      .fd = 4,
			      .fd2 = ctl ? 0 : -1,
			      .events = 1U << 31 | 1,
			      .flags = -1,
			      .max_events = ctl ? -1 : 8,
			      .ret = 0,
			      .timeout_ns = ctl      ? INT64_MIN :
					    w->i % 4 ? -1 :
						       1500000,
			      .weight = 1 };

	PUT(m, EPOLL, epoll, ctl ? 202 : 203, &r);
}

static void put_sockopt(struct made *m, const struct who *w)
{
	struct fr_sockopt r = { WHO(w),
				.dur = 800,
				.value_len = 4,
				.fd = 5,
				.level = w->i % 2 ? 1 : 6,
				.option = w->i % 2 ? 2 : 1,
				.value = { 1 },
				.option_len = 4,
				.weight = 1 };

	PUT(m, OTHER, sockopt, w->i % 2 ? 215 : 216, &r);
}

static void put_drop(struct made *m, const struct who *w)
{
	struct fr_drop r = { WHO(w),         .family = AF_IN,    .lport = 80,
			     .rport = 50000, .size = 1500,       .reason = 2,
			     .protocol = 6,  .tcp_state = 1,     .ifindex = 0,
			     .ino = 79,      .location = 0x1234, .weight = 1 };

	memcpy(r.laddr, v4, 16);
	memcpy(r.raddr, v4, 16);
	PUT(m, OTHER, drop, w->i % 2, &r);
}

static void put_fault(struct made *m, const struct who *w)
{
	struct fr_fault r = { WHO(w),
			      .dur = 9000,
			      .pkey = 9,
			      .dev = MADE_DEV,
			      .ino = 1000 + w->i % COUNT,
			      .address = 0x7f0000001000,
			      .offset = w->i % 4 * 4096,
			      .weight = 1 };

	PUT(m, FAULT, fault, w->i % 4, &r);
}

static void put_uring(struct made *m, const struct who *w)
{
	struct fr_uring r = { WHO(w),
			      .dur = 1234567,
			      .pkey = 9,
			      .dev = MADE_DEV,
			      .ino = 1000 + w->i % COUNT,
			      .offset = w->i % 4 * 4096,
			      .size = 512,
			      .ret = w->i % 3 ? 512 : -11,
			      .fd = 0,
			      .user_data = 0xfeed,
			      .ring = 80,
			      .weight = 1 };

	PUT(m, URING, uring, w->i % 2 ? 22 : 23, &r);
}

static void put_state(struct made *m, const struct who *w)
{
	static const char text[] = "wor,\"ker/user.slice/a\0b\0--secret\nx";
	struct fr_state_proc p = { .ts = w->ts,
				   .round = w->i,
				   .pid = PID,
				   .ppid = 1,
				   .start = 5000,
				   .threads = 2,
				   .vms = 10 << 20,
				   .rss = 0,
				   .cpu_5s = 1001,
				   .cpu_2m = 0,
				   .cpu_1h = -1,
				   .uid = 0,
				   .comm_len = 8,
				   .cgroup_len = 11 };
	struct fr_state_system s = { .ts = w->ts, .round = w->i };
	struct fr_state_file f = { .ts = w->ts,
				   .round = 1,
				   .ino = 1000 + w->i % COUNT,
				   .dev = MADE_DEV,
				   .mode = 0100644,
				   .depth = 0,
				   .size = 0,
				   .created = -1,
				   .modified = MADE_OFFSET + 5,
				   .nlink = 1 };
	const char *name = names[w->i % COUNT];
	char fact[64];
	int n = snprintf(fact, sizeof(fact), "CPU Brand=Model %u", w->i);

	memcpy(&p.state, "S", 1);
	made_put(m, FR_LANE_STATE, FR_T_state_proc, sizeof(text) - 1, &p,
		 sizeof(p), text, sizeof(text) - 1);
	made_put(m, FR_LANE_STATE, FR_T_state_system, (unsigned)n, &s,
		 sizeof(s), fact, (size_t)n);
	made_put(m, FR_LANE_STATE, FR_T_state_file, (unsigned)strlen(name), &f,
		 sizeof(f), name, strlen(name));
}

static void put_exec(struct made *m, const struct who *w)
{
	static const char args[] = "cat\0--secret\0/srv/plain";
	struct fr_proc_exec r = { WHO(w),
				  .pkey = 9,
				  .dev = MADE_DEV,
				  .ino = 1000,
				  .ppid = 1,
				  .old_tid = PID,
				  .args_total = sizeof(args) };

	made_put(m, FR_LANE_PROC, FR_T_proc_exec, sizeof(args), &r, sizeof(r),
		 args, sizeof(args));
}

static void put_rows(struct made *m, unsigned first, unsigned rows)
{
	static void (*const put[])(struct made *, const struct who *) = {
		put_io,      put_paths, put_block,   put_cache,
		put_sockets, put_epoll, put_sockopt, put_drop,
		put_fault,   put_uring, put_state,   put_exec,
	};
	const size_t nr = sizeof(put) / sizeof(put[0]);

	for (unsigned i = first; i < first + rows; i++) {
		struct who w = { .ts = i * MSEC, .i = i };

		/* the numbers of records do not depend on the first one */
		m->ordinal = i * 64;
		for (size_t j = 0; j < nr; j++)
			put[j](m, &w);
	}
}

int main(int argc, char **argv)
{
	struct made m = { 0 };
	unsigned first = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;

	if (argc != 4 && argc != 5) {
		fprintf(stderr,
			"usage: made_streams FOLDER NAME ROWS [FIRST]\n");
		return 2;
	}
	m.w = snap_create(argv[1], argv[2], 1);
	if (!m.w) {
		perror(argv[1]);
		return 1;
	}
	made_facts(&m, "00c0ffee00c0ffee");
	snap_put_fact(m.w, "host.arch", "x86_64");
	snap_put_fact(m.w, "clock.boot_to_mono_ns", "0");
	snap_put_fact(m.w, "recorder.config",
		      "[dump]\nfolder = /srv/secret\nlevel = 1\n");
	snap_put_fact(m.w, "probe.net.call",
		      "mechanism=tp_btf attached=yes hits=9 records=8 lost=1");
	snap_put_fact(m.w, "probe.cache.hit",
		      "mechanism=none attached=no why=no such symbol hits=0");
	put_names(&m);
	put_rows(&m, first, (unsigned)strtoul(argv[3], NULL, 10));
	if (snap_finish(m.w, NULL)) {
		fprintf(stderr, "made_streams: %s cannot be written\n",
			argv[2]);
		return 1;
	}
	return 0;
}

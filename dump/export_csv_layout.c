/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_csv_layout.c - which columns each file has, and where they come from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/export_csv.h"

/* clang-format off */
#define TIMESTAMP { "timestamp", CSV_TIME, "time", "timestamp", "", "start, local time" }
#define MONO_NS   { "mono_ns", CSV_AS_IS, "ts", "integer", "ns", "start, CLOCK_MONOTONIC" }
#define PID       { "pid", CSV_AS_IS, "pid", "integer", "", "process" }
#define TID       { "tid", CSV_AS_IS, "tid", "integer", "", "thread" }
#define PPID      { "ppid", CSV_AS_IS, "ppid", "integer", "", "parent process" }
#define COMMAND   { "command", CSV_AS_IS, "comm", "text", "", "name of the thread" }
#define INODE     { "inode", CSV_AS_IS, "ino", "integer", "", "inode number" }
#define DEVICE    { "device", CSV_AS_IS, "dev", "text", "", "device of the file system, major:minor" }
#define FILENAME  { "filename", CSV_AS_IS, "path", "text", "", "path of the file, as far as known" }
#define LATENCY   { "latency_ns", CSV_AS_IS, "dur", "integer", "ns", "duration" }
#define RET       { "ret", CSV_AS_IS, "ret", "integer", "", "result, or negative errno" }
#define ERRNO     { "errno", CSV_AS_IS, "errno", "text", "", "name of the error, if it failed" }
#define CGROUP    { "cgroup", CSV_AS_IS, "cgroup", "integer", "", "id of the cgroup" }
#define WEIGHT    { "weight", CSV_AS_IS, "weight", "integer", "", "the row stands for so many" }
#define PROTOCOL  { "protocol", CSV_SHORT, "protocol_text", "text", "", "TCP, UDP, ..." }
#define IPVER     { "ipver", CSV_IPVER, "family_text", "integer", "", "4 or 6; empty: no internet socket" }

static const struct csv_column fs[] = {
	TIMESTAMP,
	{ "operation", CSV_FS_OP, "op", "text", "", "READ, WRITE, OPEN, ...; DIO_READ and DIO_WRITE with O_DIRECT" },
	PID, COMMAND,
	{ "filename", CSV_PATHS, "path", "text", "", "path; \"old -> new\" for RENAME and LINK" },
	{ "size", CSV_AS_IS, "size", "integer", "bytes", "asked for" },
	INODE,
	{ "flags", CSV_AS_IS, "flags_text", "text", "", "flags of the call" },
	LATENCY,
	{ "offset", CSV_AS_IS, "offset", "integer", "bytes", "place in the file" },
	TID,
	{ "call", CSV_AS_IS, "call", "text", "", "system call" },
	{ "bytes_completed", CSV_AS_IS, "moved", "integer", "bytes", "moved" },
	{ "direct", CSV_AS_IS, "direct", "integer", "", "1: the file is open with O_DIRECT" },
	{ "kind", CSV_AS_IS, "kind", "text", "", "what the file is: file, dir, pipe, ..." },
	{ "return_value", CSV_AS_IS, "ret", "integer", "", "result, or negative errno" },
	ERRNO,
	{ "fd", CSV_AS_IS, "fd", "integer", "", "descriptor" },
	{ "fd2", CSV_AS_IS, "fd2", "integer", "", "second descriptor of splice, sendfile, dup, ..." },
	DEVICE,
	{ "mode", CSV_AS_IS, "mode_text", "text", "", "permissions or access asked for" },
	{ "address", CSV_HEX, "address", "hexadecimal", "", "memory of mmap and its kin" },
	{ "file_size", CSV_AS_IS, "file_size", "integer", "bytes", "size of the file" },
	{ "target", CSV_TARGET, "path", "text", "", "SYMLINK: what the link says" },
	{ "mark", CSV_AS_IS, "mark", "text", "", "what of the row is not whole: path_cut, asked_unreadable, end_unseen, ..." },
	PPID,
	{ "uid", CSV_AS_IS, "uid", "integer", "", "user" },
	CGROUP, WEIGHT, MONO_NS,
};

static const struct csv_column block[] = {
	TIMESTAMP, PID, COMMAND,
	{ "sector", CSV_AS_IS, "sector", "integer", "512 bytes", "first sector" },
	{ "operation", CSV_UPPER, "op", "text", "", "READ, WRITE, DISCARD, FLUSH, ..." },
	{ "size", CSV_AS_IS, "size", "integer", "bytes", "asked for" },
	{ "latency_ms", CSV_SERVICE_MS, "dur", "decimal", "ms", "issue to completion" },
	TID,
	{ "cpu_id", CSV_AS_IS, "cpu", "integer", "", "CPU that completed it" },
	PPID,
	{ "device", CSV_AS_IS, "dev", "text", "", "block device, major:minor" },
	{ "queue_latency_ms", CSV_MS, "queue_dur", "decimal", "ms", "insert to issue" },
	{ "bytes_completed", CSV_AS_IS, "moved", "integer", "bytes", "done" },
	{ "rwbs", CSV_AS_IS, "rwbs", "text", "", "operation and flags as the kernel's tracepoints have them" },
	{ "flags", CSV_AS_IS, "flags_text", "text", "", "REQ_ flags of the request" },
	{ "error", CSV_ERROR, "ret", "integer", "", "0 or negative errno" },
	ERRNO,
	{ "queue_depth", CSV_AS_IS, "queue_depth", "integer", "", "requests in flight at issue, itself included" },
	INODE,
	{ "file_device", CSV_AS_IS, "file_dev", "text", "", "device of the inode's file system, major:minor" },
	FILENAME, CGROUP, MONO_NS,
};

static const struct csv_column cache[] = {
	TIMESTAMP, PID, COMMAND,
	{ "event_type", CSV_UPPER, "op", "text", "", "HIT, MISS, DIRTY, WRITEBACK_START, WRITEBACK_END, EVICT, INVALIDATE, DROP, READAHEAD, RECLAIM" },
	INODE,
	{ "page_index", CSV_AS_IS, "index", "integer", "pages", "first page, from the beginning of the file" },
	FILENAME,
	{ "size", CSV_PAGES, "file_size", "integer", "pages", "size of the file, rounded down" },
	{ "offset", CSV_PAGE_OFFSET, "index", "integer", "bytes", "place of the first page in the file" },
	{ "count", CSV_AS_IS, "count", "integer", "pages", "how many" },
	TID,
	{ "cpu_id", CSV_AS_IS, "cpu", "integer", "", "CPU it happened on" },
	DEVICE,
	{ "file_size", CSV_AS_IS, "file_size", "integer", "bytes", "size of the file" },
	WEIGHT, MONO_NS,
};

static const struct csv_column net[] = {
	TIMESTAMP, PID, COMMAND, PROTOCOL, IPVER,
	{ "saddr", CSV_AS_IS, "laddr", "text", "", "address of this end" },
	{ "daddr", CSV_AS_IS, "raddr", "text", "", "address of the other end" },
	{ "sport", CSV_AS_IS, "lport", "integer", "", "port of this end" },
	{ "dport", CSV_AS_IS, "rport", "integer", "", "port of the other end" },
	{ "size", CSV_AS_IS, "moved", "integer", "bytes", "payload moved" },
	{ "direction", CSV_AS_IS, "op", "text", "", "send or receive" },
	LATENCY,
	{ "error", CSV_ERROR, "ret", "integer", "", "0 or negative errno" },
	{ "msg_flags", CSV_AS_IS, "flags_text", "text", "", "MSG_ flags of the call" },
	TID,
	{ "call", CSV_AS_IS, "call", "text", "", "system call" },
	{ "size_asked", CSV_AS_IS, "size", "integer", "bytes", "asked for" },
	RET, ERRNO,
	{ "fd", CSV_AS_IS, "fd", "integer", "", "descriptor" },
	{ "domain", CSV_AS_IS, "family_text", "text", "", "AF_INET, AF_INET6, AF_UNIX, ..." },
	{ "sock_type", CSV_AS_IS, "sock_type_text", "text", "", "SOCK_STREAM, SOCK_DGRAM, ..." },
	INODE, WEIGHT, MONO_NS,
};

static const struct csv_column conn[] = {
	TIMESTAMP,
	{ "event", CSV_UPPER, "op", "text", "", "SOCKET_CREATE, BIND, LISTEN, ACCEPT, CONNECT, SHUTDOWN, ..." },
	PID, TID, COMMAND,
	{ "domain", CSV_AS_IS, "family_text", "text", "", "AF_INET, AF_INET6, AF_UNIX, ..." },
	{ "sock_type", CSV_AS_IS, "sock_type_text", "text", "", "SOCK_STREAM, SOCK_DGRAM, ..." },
	PROTOCOL, IPVER,
	{ "laddr", CSV_AS_IS, "laddr", "text", "", "address of this end" },
	{ "raddr", CSV_AS_IS, "raddr", "text", "", "address of the other end" },
	{ "lport", CSV_AS_IS, "lport", "integer", "", "port of this end" },
	{ "rport", CSV_AS_IS, "rport", "integer", "", "port of the other end" },
	{ "fd", CSV_AS_IS, "fd", "integer", "", "descriptor of the call" },
	{ "backlog", CSV_AS_IS, "backlog", "integer", "", "LISTEN: length of the queue" },
	LATENCY, RET,
	{ "how", CSV_AS_IS, "how_text", "text", "", "SHUTDOWN: SHUT_RD, SHUT_WR, SHUT_RDWR" },
	{ "call", CSV_AS_IS, "call", "text", "", "system call" },
	ERRNO,
	{ "flags", CSV_AS_IS, "flags_text", "text", "", "SOCK_NONBLOCK, SOCK_CLOEXEC" },
	{ "path", CSV_AS_IS, "asked", "text", "", "of a UNIX-domain socket; @ begins an abstract one" },
	{ "fd2", CSV_AS_IS, "fd2", "integer", "", "second descriptor of socketpair" },
	INODE, WEIGHT, MONO_NS,
};

static const struct csv_column epoll[] = {
	TIMESTAMP,
	{ "event", CSV_UPPER, "op", "text", "", "EPOLL_CREATE, EPOLL_CTL, EPOLL_WAIT, POLL, SELECT" },
	PID, TID, COMMAND,
	{ "epoll_fd", CSV_EPOLL_FD, "fd", "integer", "", "epoll descriptor; EPOLL_CREATE: the one made" },
	{ "target_fd", CSV_AS_IS, "fd2", "integer", "", "EPOLL_CTL: the descriptor watched" },
	{ "operation", CSV_SHORT, "ctl_op_text", "text", "", "EPOLL_CTL: ADD, MOD, DEL" },
	{ "event_mask", CSV_AS_IS, "events_text", "text", "", "events asked for, or that came" },
	{ "max_events", CSV_AS_IS, "max_events", "integer", "", "room for so many; POLL, SELECT: descriptors" },
	{ "ready_count", CSV_READY, "ret", "integer", "", "ready when a wait ended" },
	{ "timeout_ms", CSV_TIMEOUT_MS, "timeout_ns", "decimal", "ms", "asked for; -1: none" },
	LATENCY,
	{ "call", CSV_AS_IS, "call", "text", "", "system call" },
	RET, ERRNO, WEIGHT, MONO_NS,
};

static const struct csv_column sockopt[] = {
	TIMESTAMP,
	{ "event", CSV_UPPER, "op", "text", "", "SET or GET" },
	PID, COMMAND,
	{ "fd", CSV_AS_IS, "fd", "integer", "", "descriptor" },
	{ "level", CSV_AS_IS, "level_text", "text", "", "SOL_SOCKET, SOL_TCP, ..." },
	{ "option", CSV_AS_IS, "option_text", "text", "", "SO_REUSEADDR, TCP_NODELAY, ..." },
	{ "value", CSV_AS_IS, "value", "text", "", "as the option has it" },
	RET, TID, LATENCY, ERRNO,
	{ "option_len", CSV_AS_IS, "option_len", "integer", "bytes", "length of the value" },
	WEIGHT, MONO_NS,
};

static const struct csv_column drop[] = {
	TIMESTAMP,
	{ "event", CSV_UPPER, "op", "text", "", "TCP_RETRANSMIT or PACKET_DROP" },
	PID, COMMAND, PROTOCOL, IPVER,
	{ "saddr", CSV_AS_IS, "laddr", "text", "", "source address of the packet" },
	{ "daddr", CSV_AS_IS, "raddr", "text", "", "destination address" },
	{ "sport", CSV_AS_IS, "lport", "integer", "", "source port" },
	{ "dport", CSV_AS_IS, "rport", "integer", "", "destination port" },
	{ "size", CSV_AS_IS, "size", "integer", "bytes", "length of the packet" },
	{ "drop_reason", CSV_AS_IS, "reason_text", "text", "", "the kernel's reason" },
	{ "tcp_state", CSV_SHORT, "tcp_state_text", "text", "", "ESTABLISHED, SYN_SENT, ..." },
	TID,
	{ "ifindex", CSV_AS_IS, "ifindex", "integer", "", "network device" },
	{ "location", CSV_HEX, "location", "hexadecimal", "", "where in the kernel: offset from _stext" },
	INODE, WEIGHT, MONO_NS,
};

static const struct csv_column fault[] = {
	TIMESTAMP, PID, TID, COMMAND,
	{ "fault_type", CSV_UPPER, "op", "text", "", "READ or WRITE" },
	{ "severity", CSV_UPPER, "severity", "text", "", "MAJOR: from the disk; MINOR: from the page cache" },
	INODE,
	{ "page_offset", CSV_PAGES, "offset", "integer", "pages", "place in the file" },
	{ "address", CSV_HEX, "address", "hexadecimal", "", "that was touched" },
	DEVICE, FILENAME, LATENCY,
	{ "offset", CSV_AS_IS, "offset", "integer", "bytes", "place in the file" },
	WEIGHT, MONO_NS,
};

static const struct csv_column uring[] = {
	TIMESTAMP, PID, COMMAND,
	{ "opcode", CSV_UPPER, "op", "text", "", "READ, WRITE, FSYNC, ..." },
	{ "fd", CSV_AS_IS, "fd", "integer", "", "descriptor, or number of the registered file" },
	{ "offset", CSV_AS_IS, "offset", "integer", "bytes", "place in the file" },
	{ "length", CSV_AS_IS, "size", "integer", "bytes", "asked for" },
	{ "result", CSV_AS_IS, "ret", "integer", "", "result, or negative errno" },
	{ "latency_ms", CSV_MS, "dur", "decimal", "ms", "submission to completion" },
	INODE, TID, ERRNO,
	{ "flags", CSV_AS_IS, "flags_text", "text", "", "IOSQE_ flags" },
	{ "cqe_flags", CSV_AS_IS, "cqe_flags_text", "text", "", "flags of the completion" },
	DEVICE, FILENAME,
	{ "user_data", CSV_HEX, "user_data", "hexadecimal", "", "the program's own mark" },
	{ "ring", CSV_AS_IS, "ring", "integer", "", "inode of the ring" },
	{ "how", CSV_AS_IS, "how", "integer", "", "bit 0: by a worker; bit 1: by SQPOLL; bit 2: more completions follow" },
	WEIGHT, MONO_NS,
};

static const struct csv_column process[] = {
	TIMESTAMP, PID,
	{ "name", CSV_AS_IS, "comm", "text", "", "name of the process" },
	{ "cmdline", CSV_AS_IS, "cmdline", "text", "", "command line, blanks between arguments" },
	{ "vms_kb", CSV_KB, "vms", "integer", "KiB", "virtual size" },
	{ "rss_kb", CSV_KB, "rss", "integer", "KiB", "resident size" },
	{ "create_time", CSV_BOOT, "start", "timestamp", "", "start of the process, local time" },
	{ "cpu_5s", CSV_PERCENT, "cpu_5s", "decimal", "% of one CPU", "over the last 5 s" },
	{ "cpu_2m", CSV_PERCENT, "cpu_2m", "decimal", "% of one CPU", "over the last 2 min" },
	{ "cpu_1h", CSV_PERCENT, "cpu_1h", "decimal", "% of one CPU", "over the last hour" },
	{ "status", CSV_STATUS, "state", "text", "", "running, sleeping, disk-sleep, stopped, zombie, idle, ..." },
	PPID,
	{ "threads", CSV_AS_IS, "threads", "integer", "", "threads" },
	{ "uid", CSV_AS_IS, "uid", "integer", "", "user" },
	{ "utime_ns", CSV_AS_IS, "utime", "integer", "ns", "user CPU time so far" },
	{ "stime_ns", CSV_AS_IS, "stime", "integer", "ns", "system CPU time so far" },
	CGROUP,
	{ "cgroup_path", CSV_AS_IS, "cgroup_path", "text", "", "path of the cgroup" },
	{ "round", CSV_AS_IS, "round", "integer", "", "rows of one look have the same" },
	MONO_NS,
};

static const struct csv_column filesystem[] = {
	TIMESTAMP,
	{ "path", CSV_AS_IS, "path", "text", "", "path" },
	{ "size", CSV_AS_IS, "size", "integer", "bytes", "size" },
	{ "ctime", CSV_WALL, "created", "timestamp", "", "creation, local time" },
	{ "mtime", CSV_WALL, "modified", "timestamp", "", "last change of its contents, local time" },
	INODE, DEVICE,
	{ "mode", CSV_AS_IS, "mode_text", "text", "", "type and permissions" },
	{ "uid", CSV_AS_IS, "uid", "integer", "", "owner" },
	{ "nlink", CSV_AS_IS, "nlink", "integer", "", "names of the file" },
	{ "depth", CSV_AS_IS, "depth", "integer", "", "levels below the root of the walk" },
	{ "round", CSV_AS_IS, "round", "integer", "", "rows of one walk have the same" },
	MONO_NS,
};

#define LAYOUT(stream, path, doc) \
	{ #stream, path, doc, stream, sizeof(stream) / sizeof((stream)[0]) }
const struct csv_layout csv_layouts[] = {
	LAYOUT(fs, "fs_events.csv", "file operations"),
	LAYOUT(block, "block_events.csv", "block requests"),
	LAYOUT(cache, "cache/cache_events.csv", "page cache"),
	LAYOUT(net, "nw/nw_events.csv", "sent and received"),
	LAYOUT(conn, "nw_conn/nw_conn_events.csv", "the life of sockets"),
	LAYOUT(epoll, "nw_epoll/nw_epoll_events.csv", "epoll, poll and select"),
	LAYOUT(sockopt, "nw_sockopt/nw_sockopt_events.csv", "socket options"),
	LAYOUT(drop, "nw_drop/nw_drop_events.csv", "packets dropped or sent again"),
	LAYOUT(fault, "pagefault/pagefault_events.csv", "page faults on files"),
	LAYOUT(uring, "iouring/iouring_events.csv", "io_uring requests"),
	LAYOUT(process, "process_snap.csv", "processes, looked at now and then"),
	LAYOUT(filesystem, "filesystem_snap.csv.gz", "files, walked now and then"),
	{ NULL, NULL, NULL, NULL, 0 },
};
/* clang-format on */

static bool is_left_out(const char *column)
{
	static const char *const out[] = { "stream", "time", "ts", NULL };

	for (unsigned i = 0; out[i]; i++)
		if (!strcmp(out[i], column))
			return true;
	return false;
}

int csv_layout_other(const struct view *v, unsigned stream,
		     struct csv_layout *ret)
{
	static const struct csv_column first = TIMESTAMP, last = MONO_NS;
	struct csv_column *columns = calloc(CSV_COLUMNS_MAX, sizeof(*columns));
	unsigned nr = 0;

	if (!columns)
		return -ENOMEM;
	columns[nr++] = first;
	for (unsigned i = 0; i < view_nr_columns(v) && nr + 1 < CSV_COLUMNS_MAX;
	     i++) {
		const char *name = view_column_name(v, i);

		if (view_stream_has(v, stream, i) && !is_left_out(name))
			columns[nr++] = (struct csv_column){
				name, CSV_AS_IS, name,
				"",   "",        "see flightrec-events(7)"
			};
	}
	columns[nr++] = last;
	*ret = (struct csv_layout){ .stream = view_stream_name(v, stream),
				    .doc = "not a stream of the I/O tracer",
				    .columns = columns,
				    .nr = nr };
	return 0;
}

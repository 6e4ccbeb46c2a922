/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfsd.c - what clients ask of this NFS server. */
#include "recorder/collector.h"
#include "recorder/rpcfile.h"
#include "recorder/shapes.h"

static const struct metric_def nfsd_counter = SHAPE_COUNTER("nfsd.%", "", 1);
static const struct metric_def nfsd_gauge = SHAPE_GAUGE("nfsd.%", "", 1);
static const struct metric_def nfsd_bytes = SHAPE_COUNTER("nfsd.%", "bytes", 1);

/* Names of operations are those that nfsstat(8) prints. */
static const struct rpcfile_line nfsd_lines[] = {
	{ "rc", "hits misses nocache", false, &nfsd_counter },
	{ "fh", "stale -", false, &nfsd_counter },
	{ "io", "read write", false, &nfsd_bytes },
	{ "th", "threads", false, &nfsd_gauge },
	{ "net", "packets udp tcp tcpconn", false, &nfsd_counter },
	{ "rpc", "calls badcalls badfmt badauth badclnt", false,
	  &nfsd_counter },
	{ "proc2", rpcfile_proc2, true, &nfsd_counter },
	{ "proc3", rpcfile_proc3, true, &nfsd_counter },
	{ "proc4", "null compound", true, &nfsd_counter },
	{ "proc4ops",
	  "op0-unused op1-unused op2-future access close commit create "
	  "delegpurge delegreturn getattr getfh link lock lockt locku lookup "
	  "lookup_root nverify open openattr open_conf open_dgrd putfh "
	  "putpubfh putrootfh read readdir readlink remove rename renew "
	  "restorefh savefh secinfo setattr setcltid setcltidconf verify "
	  "write rellockowner bc_ctl bind_conn exchange_id create_ses "
	  "destroy_ses free_stateid getdirdeleg getdevinfo getdevlist "
	  "layoutcommit layoutget layoutreturn secinfononam sequence set_ssv "
	  "test_stateid want_deleg destroy_clid reclaim_comp allocate copy "
	  "copy_notify deallocate ioadvise layouterror layoutstats "
	  "offloadcancel offloadstatus readplus seek write_same clone "
	  "getxattr setxattr listxattrs removexattr",
	  true, &nfsd_counter },
	{ "wdeleg_getattr", "calls", false, &nfsd_counter },
	{ 0 }
};

static void nfsd_parse(struct sample *s, const char *inst, const char *buf,
		       size_t len)
{
	(void)inst;
	rpcfile_parse(s, nfsd_lines, buf, len);
}

static const struct collector_source nfsd_sources[] = {
	{ .path = "/proc/net/rpc/nfsd",
	  .parse = nfsd_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_nfsd = {
	.name = "nfsd",
	.doc = "what clients ask of this NFS server",
	.man = "nfsd.rc.hits, misses, nocache (reply cache); nfsd.io.read, "
	       "nfsd.io.write (bytes); nfsd.th.threads; nfsd.rpc.calls and "
	       "badcalls; calls per operation: nfsd.proc3.read, "
	       "nfsd.proc4ops.getattr. The names are those that nfsstat -s "
	       "prints.",
	.sources = nfsd_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};

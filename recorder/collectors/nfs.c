/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfs.c - what this machine asks of NFS servers. */
#include "recorder/collector.h"
#include "recorder/rpcfile.h"
#include "recorder/shapes.h"

static const struct metric_def nfs_counter = SHAPE_COUNTER("nfs.%", "", 1);

/* Names of operations are those that nfsstat(8) prints. */
static const struct rpcfile_line nfs_lines[] = {
	{ "net", "packets udp tcp tcpconn", false, &nfs_counter },
	{ "rpc", "calls retrans authrefrsh", false, &nfs_counter },
	{ "proc2", rpcfile_proc2, true, &nfs_counter },
	{ "proc3", rpcfile_proc3, true, &nfs_counter },
	{ "proc4",
	  "null read write commit open open_conf open_noat open_dgrd close "
	  "setattr fsinfo renew setclntid confirm lock lockt locku access "
	  "getattr lookup lookup_root remove rename link symlink create "
	  "pathconf statfs readlink readdir server_caps delegreturn getacl "
	  "setacl fs_locations rel_lkowner secinfo fsid_present exchange_id "
	  "create_session destroy_session sequence get_lease_time "
	  "reclaim_comp layoutget getdevinfo layoutcommit layoutreturn "
	  "secinfo_no test_stateid free_stateid getdevicelist "
	  "bind_conn_to_ses destroy_clientid seek allocate deallocate "
	  "layoutstats clone copy offload_cancel lookupp layouterror "
	  "copy_notify getxattr setxattr listxattrs removexattr read_plus",
	  true, &nfs_counter },
	{ 0 }
};

static void nfs_parse(struct sample *s, const char *inst, const char *buf,
		      size_t len)
{
	(void)inst;
	rpcfile_parse(s, nfs_lines, buf, len);
}

static const struct collector_source nfs_sources[] = {
	{ .path = "/proc/net/rpc/nfs",
	  .parse = nfs_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_nfs = {
	.name = "nfs",
	.doc = "what this machine asks of NFS servers",
	.man = "nfs.rpc.calls, nfs.rpc.retrans, nfs.net.packets, and calls per "
	       "operation and version of NFS: nfs.proc3.read, nfs.proc4.open. "
	       "The names are those that nfsstat -c prints.",
	.sources = nfs_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};

# SPDX-License-Identifier: GPL-2.0-or-later
"""NFSPROC_*, NFS3PROC_* and NFSPROC4_CLNT_* in the order of the kernel's headers (nfs2.h, nfs3.h,
nfs4.h), by the names of nfsstat(8)."""
V2 = """null getattr setattr root lookup readlink read wrcache write create remove rename link symlink
mkdir rmdir readdir fsstat""".split()
V3 = """null getattr setattr lookup access readlink read write create mkdir symlink mknod remove rmdir
rename link readdir readdirplus fsstat fsinfo pathconf commit""".split()
V4 = {0: "null", 1: "read", 2: "write", 3: "commit", 4: "open", 5: "open_conf", 6: "open_noat",
      7: "open_dgrd", 8: "close", 9: "setattr", 10: "fsinfo", 11: "renew", 12: "setclntid",
      13: "confirm", 14: "lock", 15: "lockt", 16: "locku", 17: "access", 18: "getattr", 19: "lookup",
      20: "lookup_root", 21: "remove", 22: "rename", 23: "link", 24: "symlink", 25: "create",
      26: "pathconf", 27: "statfs", 28: "readlink", 29: "readdir", 30: "server_caps",
      31: "delegreturn", 32: "getacl", 33: "setacl", 34: "fs_locations", 35: "rel_lkowner",
      36: "secinfo", 37: "fsid_present", 38: "exchange_id", 39: "create_session",
      40: "destroy_session", 41: "sequence", 42: "get_lease_time", 43: "reclaim_comp",
      44: "layoutget", 45: "getdevinfo", 46: "layoutcommit", 47: "layoutreturn", 48: "secinfo_no",
      49: "test_stateid", 50: "free_stateid", 51: "getdevicelist", 52: "bind_conn_to_ses",
      53: "destroy_clientid", 54: "seek", 55: "allocate", 56: "deallocate", 57: "layoutstats",
      58: "clone", 59: "copy", 60: "offload_cancel", 61: "lookupp", 62: "layouterror",
      63: "copy_notify", 64: "getxattr", 65: "setxattr", 66: "listxattrs", 67: "removexattr",
      68: "read_plus"}


def expect(text, row, files):
    heads = {"net": ["packets", "udp", "tcp", "tcpconn"], "rpc": ["calls", "retrans", "authrefrsh"]}
    for line in text("proc/net/rpc/nfs"):
        key, *v = line.split()
        if key in heads:
            names = heads[key]
        else:
            assert int(v[0]) == len(v) - 1
            v = v[1:]
            names = {"proc2": V2, "proc3": V3, "proc4": [V4[i] for i in range(len(V4))]}[key]
        for name, x in zip(names, v):
            row(f"nfs.{key}.{name}", "counter", x)

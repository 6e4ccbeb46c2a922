# SPDX-License-Identifier: GPL-2.0-or-later
"""nfsd_stats in fs/nfsd/stats.c; operations by number from RFC 7530, 8881, 7862 and 8276, by the names
of nfsstat(8)."""
V2 = """null getattr setattr root lookup readlink read wrcache write create remove rename link symlink
mkdir rmdir readdir fsstat""".split()
V3 = """null getattr setattr lookup access readlink read write create mkdir symlink mknod remove rmdir
rename link readdir readdirplus fsstat fsinfo pathconf commit""".split()
OPS = {0: "op0-unused", 1: "op1-unused", 2: "op2-future", 3: "access", 4: "close", 5: "commit",
       6: "create", 7: "delegpurge", 8: "delegreturn", 9: "getattr", 10: "getfh", 11: "link", 12: "lock",
       13: "lockt", 14: "locku", 15: "lookup", 16: "lookup_root", 17: "nverify", 18: "open",
       19: "openattr", 20: "open_conf", 21: "open_dgrd", 22: "putfh", 23: "putpubfh",
       24: "putrootfh", 25: "read", 26: "readdir", 27: "readlink", 28: "remove", 29: "rename",
       30: "renew", 31: "restorefh", 32: "savefh", 33: "secinfo", 34: "setattr", 35: "setcltid",
       36: "setcltidconf", 37: "verify", 38: "write", 39: "rellockowner", 40: "bc_ctl",
       41: "bind_conn", 42: "exchange_id", 43: "create_ses", 44: "destroy_ses", 45: "free_stateid",
       46: "getdirdeleg", 47: "getdevinfo", 48: "getdevlist", 49: "layoutcommit", 50: "layoutget",
       51: "layoutreturn", 52: "secinfononam", 53: "sequence", 54: "set_ssv", 55: "test_stateid",
       56: "want_deleg", 57: "destroy_clid", 58: "reclaim_comp", 59: "allocate", 60: "copy",
       61: "copy_notify", 62: "deallocate", 63: "ioadvise", 64: "layouterror", 65: "layoutstats",
       66: "offloadcancel", 67: "offloadstatus", 68: "readplus", 69: "seek", 70: "write_same",
       71: "clone", 72: "getxattr", 73: "setxattr", 74: "listxattrs", 75: "removexattr"}


def expect(text, row, files):
    for line in text("proc/net/rpc/nfsd"):
        key, *v = line.split()
        if key == "io":
            row("nfsd.io.read", "counter", v[0], "bytes")
            row("nfsd.io.write", "counter", v[1], "bytes")
        elif key == "th":
            row("nfsd.th.threads", "gauge", v[0])
        elif key == "fh":
            row("nfsd.fh.stale", "counter", v[0])
        elif key == "wdeleg_getattr":
            row("nfsd.wdeleg_getattr.calls", "counter", v[0])
        elif key.startswith("proc"):
            names = {"proc2": V2, "proc3": V3, "proc4": ["null", "compound"],
                     "proc4ops": [OPS[i] for i in range(len(OPS))]}[key]
            for name, x in zip(names, v[1:]):
                row(f"nfsd.{key}.{name}", "counter", x)
        elif key in ("rc", "net", "rpc"):
            names = {"rc": "hits misses nocache", "net": "packets udp tcp tcpconn",
                     "rpc": "calls badcalls badfmt badauth badclnt"}[key].split()
            for name, x in zip(names, v):
                row(f"nfsd.{key}.{name}", "counter", x)

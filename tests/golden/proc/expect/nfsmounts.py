# SPDX-License-Identifier: GPL-2.0-or-later
"""Documentation: nfsiostat(8) and mountstats(8); order as in include/linux/nfs_iostat.h."""
EVENTS = """inode_revalidates dentry_revalidates data_invalidates attr_invalidates vfs_open vfs_lookup
vfs_access vfs_update_page vfs_read_page vfs_read_pages vfs_write_page vfs_write_pages vfs_getdents
vfs_setattr vfs_flush vfs_fsync vfs_lock vfs_release congestion_wait setattr_trunc extend_write
silly_rename short_read short_write delay pnfs_read pnfs_write""".split()
BYTES = [("normal_read_bytes", "bytes"), ("normal_write_bytes", "bytes"), ("direct_read_bytes", "bytes"),
         ("direct_write_bytes", "bytes"), ("server_read_bytes", "bytes"), ("server_write_bytes", "bytes"),
         ("read_pages", "pages"), ("write_pages", "pages")]
OPS = [("ops", 1, "-"), ("transmissions", 1, "-"), ("timeouts", 1, "-"), ("sent_bytes", 1, "bytes"),
       ("received_bytes", 1, "bytes"), ("queue_ns", 10**6, "ns"), ("rtt_ns", 10**6, "ns"),
       ("execute_ns", 10**6, "ns"), ("errors", 1, "-")]


def expect(text, row, files):
    for part in ("\n" + "\n".join(text("proc/self/mountstats"))).split("\ndevice ")[1:]:
        head, *lines = part.split("\n")
        words = head.split()
        point, fstype = words[3], words[6]
        if fstype not in ("nfs", "nfs4"):
            continue
        split = next(i for i, line in enumerate(lines) if "per-op" in line)
        for line in lines[:split]:
            if line.startswith("\tevents:"):
                for name, x in zip(EVENTS, line.split()[1:]):
                    row(f"nfsmount.{point}.{name}", "counter", x)
            if line.startswith("\tbytes:"):
                for (name, unit), x in zip(BYTES, line.split()[1:]):
                    row(f"nfsmount.{point}.{name}", "counter", x, unit)
        for line in lines[split + 1:]:
            if ":" in line:
                op, *v = line.replace(":", "").split()
                if v[0] != "0":
                    for (name, times, unit), x in zip(OPS, v):
                        row(f"nfsmount.{point}.{op}.{name}", "counter", int(x) * times, unit)

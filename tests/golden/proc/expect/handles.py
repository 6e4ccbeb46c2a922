# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    """Documentation/admin-guide/sysctl/fs.rst and kernel.rst."""
    for line in text("proc/sys/fs/file-nr"):
        for name, v in zip(("files", "files_free", "files_max"), line.split()):
            row("handles." + name, "gauge", v)
    for line in text("proc/sys/fs/inode-nr"):
        for name, v in zip(("inodes", "inodes_free"), line.split()):
            row("handles." + name, "gauge", v)
    for line in text("proc/sys/fs/dentry-state"):
        dentries, unused, age, want, negative, _ = line.split()
        row("handles.dentries", "gauge", dentries)
        row("handles.dentries_unused", "gauge", unused)
        row("handles.dentries_age_limit", "gauge", age, "s")
        row("handles.dentries_want_pages", "gauge", want, "pages")
        row("handles.dentries_negative", "gauge", negative)
    for line in text("proc/sys/kernel/pid_max"):
        row("handles.pid_max", "gauge", line)
    for line in text("proc/sys/kernel/threads-max"):
        row("handles.threads_max", "gauge", line, "threads")
    for line in text("proc/loadavg"):
        row("handles.threads", "gauge", line.split()[3].split("/")[1], "threads")

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_kernel.c - facts about the running kernel that decide how to probe. */
#include "recorder/probe_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

/* The first line of ${path} that contains ${what}, "" if there is none. */
static bool file_line_with(const char *path, const char *what, char *line,
			   int size)
{
	gzFile f = gzopen(path, "r"); /* reads plain files as they are, too */
	bool found = false;

	line[0] = 0;
	if (!f)
		return false;
	while (!found && gzgets(f, line, size))
		found = strstr(line, what) != NULL;
	gzclose(f);
	return found;
}

static bool config_has(const char *what)
{
	char path[256], line[512];
	struct utsname u;

	if (file_line_with("/proc/config.gz", what, line, sizeof(line)))
		return true;
	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	return file_line_with(path, what, line, sizeof(line));
}

/* What preempt= on the command line says: 1, 0, or -1 if nothing. */
static int cmdline_preempt(void)
{
	char line[4096];

	if (!file_line_with("/proc/cmdline", "preempt=", line, sizeof(line)))
		return -1;
	return strstr(line, "preempt=full") || strstr(line, "preempt=lazy");
}

/* May programs on tracepoints be preempted?  Where it cannot be told: yes, then
 * the mechanism is chosen that loses nothing either way. */
bool probe_kernel_preemptible(void)
{
	char line[512];
	int said;

	if (file_line_with("/sys/kernel/debug/sched/preempt", "(", line,
			   sizeof(line)))
		return strstr(line, "(full)") || strstr(line, "(lazy)");
	said = cmdline_preempt();
	if (said >= 0)
		return said;
	if (config_has("CONFIG_PREEMPT_NONE=y") ||
	    config_has("CONFIG_PREEMPT_VOLUNTARY=y"))
		return false;
	return true;
}

bool probe_kernel_locked(void)
{
	char line[128];

	return file_line_with("/sys/kernel/security/lockdown",
			      "[confidentiality]", line, sizeof(line));
}

uint64_t probe_kernel_pid_max(void)
{
	char line[64];

	if (!file_line_with("/proc/sys/kernel/pid_max", "", line, sizeof(line)))
		return 4194304;
	return strtoull(line, NULL, 10);
}

/* Addresses of _stext and _etext; zeroes: hidden (kernel.kptr_restrict). */
void probe_kernel_text(uint64_t ret[2])
{
	static const char *const names[2] = { "_stext", "_etext" };
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[256], name[64];
	unsigned found = 0;
	uint64_t at;

	ret[0] = ret[1] = 0;
	while (f && found < 2 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %*c %63s", &at, name) != 2 ||
		    strcmp(name, names[found]))
			continue;
		ret[found++] = at;
	}
	if (f)
		fclose(f);
}

static void mount_if_missing(const char *where, const char *type, long magic)
{
	struct statfs s;

	if (!statfs(where, &s) && (long)s.f_type == magic)
		return;
	mkdir(where, 0755);
	(void)mount(type, where, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void probe_kernel_mount(const char *pin_folder)
{
	mount_if_missing("/sys/kernel/tracing", "tracefs", 0x74726163);
	if (!strncmp(pin_folder, "/sys/fs/bpf", 11))
		mount_if_missing("/sys/fs/bpf", "bpf", (long)0xcafe4a11);
}

/* ---- what can be attached ------------------------------------------------------ */
bool probe_kernel_has_function(const struct probes *p, const char *name)
{
	return btf__find_by_name_kind(p->vmlinux, name, BTF_KIND_FUNC) > 0;
}

/* A program that returns 0, of the given kind; descriptor or negative. */
static int trial_program(enum bpf_prog_type type, const char *fentry_of,
			 const struct btf *vmlinux)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	if (fentry_of) {
		int id = btf__find_by_name_kind(vmlinux, fentry_of,
						BTF_KIND_FUNC);

		if (id < 0)
			return id;
		opts.attach_btf_id = (uint32_t)id;
		opts.expected_attach_type = BPF_TRACE_FENTRY;
	}
	return bpf_prog_load(type, "fr_trial", "GPL", insns, 2, &opts);
}

/* Any function that no machine does without, and that is seldom called. */
#define TRIAL_FUNCTION "vfs_rmdir"

static bool try_fentry(const struct probes *p)
{
	int prog = trial_program(BPF_PROG_TYPE_TRACING, TRIAL_FUNCTION,
				 p->vmlinux);
	int link = prog < 0 ? prog :
			      bpf_link_create(prog, 0, BPF_TRACE_FENTRY, NULL);

	if (link >= 0)
		close(link);
	if (prog >= 0)
		close(prog);
	return link >= 0;
}

static int kprobe_type(void)
{
	char line[32];

	return file_line_with("/sys/bus/event_source/devices/kprobe/type", "",
			      line, sizeof(line)) ?
		       (int)strtol(line, NULL, 10) :
		       -1;
}

static bool try_kprobe(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config1 = (uint64_t)(uintptr_t)TRIAL_FUNCTION,
	};
	int type = kprobe_type(), fd;

	if (type < 0)
		return false;
	attr.type = (uint32_t)type;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1,
			  PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void probe_kernel_try(struct probes *p)
{
	if (!p->vmlinux)
		return;
	p->has_fentry = try_fentry(p);
	p->has_kprobe = try_kprobe();
	p->has_perf = probe_perf_try();
}

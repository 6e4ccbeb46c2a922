/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.c - what can be recorded on this machine, and what not and why. */
#include "recorder/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "dump/schema.h"
#include "recorder/log.h"
#include "recorder/probe.h"

/* What attaching takes; numbers as in the kernel, for older headers. */
static const struct {
	cap_value_t cap;
	const char *name, *use;
} needs[] = {
	{ 39, "CAP_BPF", "loading programs and maps" },
	{ 38, "CAP_PERFMON", "attaching them" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "other users' processes" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
	  "other users' /proc and tracefs" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
	  "mounting bpffs or tracefs, run-time statistics" },
};

static int has_cap(cap_value_t cap)
{
	cap_flag_value_t on = CAP_CLEAR;
	cap_t have = cap_get_proc();

	if (have) {
		cap_get_flag(have, cap, CAP_EFFECTIVE, &on);
		cap_free(have);
	}
	return on == CAP_SET;
}

static void print_line_of(const char *what, const char *path)
{
	char line[160] = "";
	FILE *f = fopen(path, "re");

	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	printf("%-24s%s\n", what, line[0] ? line : "cannot be read");
}

static void print_machine(void)
{
	struct utsname u;

	if (uname(&u) == 0)
		printf("%-24s%s %s\n", "kernel", u.release, u.machine);
	printf("%-24s%s\n", "BTF",
	       access("/sys/kernel/btf/vmlinux", R_OK) == 0 ?
		       "yes" :
		       "no: /sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF)");
	print_line_of("lockdown", "/sys/kernel/security/lockdown");
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		printf("%-24s%-8s for %s\n", needs[i].name,
		       has_cap(needs[i].cap) ? "there" : "missing",
		       needs[i].use);
}

static void print_kernel(const struct probes *p)
{
	struct probe_kernel_facts k;

	probes_kernel_facts(p, &k);
	printf("%-24s%s\n", "programs preempted",
	       k.preemptible ?
		       "yes: mechanisms that lose nothing are preferred" :
		       "no");
	printf("%-24s%s\n", "fentry, fexit", k.fentry ? "yes" : "refused");
	printf("%-24s%s\n", "kprobe, kretprobe", k.kprobe ? "yes" : "refused");
	printf("%-24s%s\n", "typed loads",
	       k.cast ? "yes" : "no (kernels from 6.2 on have them)");
}

/* What somebody who is not root has to be given, for each way in. */
static void print_needs(void)
{
	puts("\nWithout root");
	puts("  reading snapshots       nothing but the files (group flightrec)");
	puts("  asking the recorder     group flightrec (run.group)");
	puts("  tp_btf, raw_tp          CAP_BPF and CAP_PERFMON");
	puts("  tracepoint              the same, and tracefs readable (CAP_DAC_READ_SEARCH)");
	puts("  fentry, fexit           CAP_BPF and CAP_PERFMON, no lockdown");
	puts("  kprobe, kretprobe       CAP_BPF and CAP_PERFMON, no lockdown");
	puts("  perf_event              CAP_PERFMON, or kernel.perf_event_paranoid < 1");
	puts("  pins, tracefs           CAP_SYS_ADMIN, or both mounted beforehand and the pin folder owned");
	puts("  samples of /proc        nothing; CAP_SYS_PTRACE for other users' details");
	print_line_of("  unprivileged BPF off",
		      "/proc/sys/kernel/unprivileged_bpf_disabled");
	print_line_of("  perf_event_paranoid",
		      "/proc/sys/kernel/perf_event_paranoid");
}

struct tally {
	unsigned attached, off;
	const char *stream;  /* whose lines are being printed */
	unsigned in_profile; /* streams that would be recorded */
};

static void print_stream(struct tally *t, const char *name)
{
	int number = config_stream_by_name(name);
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);
	const char *doc = "serves other streams";

	for (unsigned i = 0; i < nr; i++)
		if ((int)all[i].number == number)
			doc = all[i].doc;
	printf("\nstream %s (%s): %s\n", name, doc,
	       number < 0 ? "with them" :
	       t->in_profile >> number & 1 ?
			    "recorded" :
			    "not recorded with these settings");
	t->stream = name;
}

static void print_probe(void *arg, const struct probe_report *r)
{
	struct tally *t = arg;

	if (!t->stream || strcmp(t->stream, r->stream))
		print_stream(t, r->stream);
	if (r->attached) {
		t->attached++;
		printf("%-8s %-14s attached  %s\n", r->stream, r->name,
		       r->mechanism);
	} else {
		t->off++;
		printf("%-8s %-14s off       %s\n", r->stream, r->name,
		       r->why && *r->why ? r->why : "reason unknown");
	}
}

static int no_probes(int err, const struct fr_diag *diag)
{
	log_err(0, "kernel probes cannot be had: %s", diag->text);
	if (err == EPERM || err == EACCES)
		log_err(0,
			"recording needs CAP_BPF and CAP_PERFMON (run it as root); reading snapshots needs no rights");
	else
		log_info(
			"samples of /proc, triggers on them, and reading snapshots still work");
	return err == EPERM || err == EACCES ? 6 : 4;
}

/* A trial of all that there is: nothing of it may outlive us. */
static int set_trial(struct fr_config *c, struct fr_diag *diag)
{
	char streams[512] = "probes.streams=";
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);
	int err;

	for (unsigned i = 0; i < nr; i++) {
		size_t n = strlen(streams);

		snprintf(streams + n, sizeof(streams) - n, "%s%s", i ? "," : "",
			 all[i].name);
	}
	err = config_set(c, "ring.pin_folder=", diag);
	if (!err)
		err = config_set(c, "ring.memory=16MiB", diag);
	if (!err)
		err = config_set(c, "ring.shares=", diag);
	return err ?: config_set(c, streams, diag);
}

int doctor_run(struct fr_config *c)
{
	struct fr_diag diag = { "unknown" };
	struct tally tally = { .in_profile = config_streams(c) };
	struct probes *p;
	int err;

	err = set_trial(c, &diag);
	if (err) {
		log_err(0, "%s", diag.text);
		config_free(c);
		return 1;
	}
	print_machine();
	p = probes_open(c, &diag);
	err = p ? -probes_start(p, &diag) : errno;
	if (p && !err) {
		print_kernel(p);
		probes_report(p, print_probe, &tally);
	}
	if (p)
		probes_close(p, false);
	config_free(c);
	if (err)
		return no_probes(err, &diag);
	print_needs();
	printf("\n%u probes attached, %u off\n", tally.attached, tally.off);
	return tally.attached ? 0 : 4;
}

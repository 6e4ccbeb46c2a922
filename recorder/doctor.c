/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.c - what can be recorded on this machine, and what not and why. */
#include "recorder/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

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

static void print_machine(void)
{
	struct utsname u;

	if (uname(&u) == 0)
		printf("kernel        %s %s\n", u.release, u.machine);
	printf("BTF           %s\n",
	       access("/sys/kernel/btf/vmlinux", R_OK) == 0 ?
		       "yes" :
		       "no: /sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF)");
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		printf("%-21s %-8s for %s\n", needs[i].name,
		       has_cap(needs[i].cap) ? "there" : "missing",
		       needs[i].use);
}

struct tally {
	unsigned attached, off;
};

static void print_probe(void *arg, const struct probe_report *r)
{
	struct tally *t = arg;

	if (r->attached) {
		t->attached++;
		printf("%-8s %-16s attached  %s\n", r->stream, r->name,
		       r->mechanism);
	} else {
		t->off++;
		printf("%-8s %-16s off       %s\n", r->stream, r->name,
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

int doctor_run(struct fr_config *c)
{
	struct fr_diag diag = { "unknown" };
	struct tally tally = { 0, 0 };
	struct probes *p;
	int err;

	/* A trial: nothing of it may outlive us. */
	err = config_set(c, "ring.pin_folder=", &diag);
	if (!err)
		err = config_set(c, "ring.memory=4MiB", &diag);
	if (err) {
		log_err(0, "%s", diag.text);
		config_free(c);
		return 1;
	}
	print_machine();
	p = probes_open(c, &diag);
	err = p ? -probes_start(p, &diag) : errno;
	if (p && !err)
		probes_report(p, print_probe, &tally);
	if (p)
		probes_close(p, false);
	config_free(c);
	if (err)
		return no_probes(err, &diag);
	printf("%u probes attached, %u off\n", tally.attached, tally.off);
	return tally.attached ? 0 : 4;
}

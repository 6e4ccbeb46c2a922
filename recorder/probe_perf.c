/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_perf.c - programs that run at events which the kernel counts for perf
 * (PERF_TYPE_SOFTWARE), at each of them: SEC("perf_event/NAME").
 *
 * Such an event belongs to a CPU: one for each that is online.  A CPU that goes
 * away takes its event with it; probe_perf_follow() gives it a new one when it is
 * back.  That it was away may not be seen, if it was for a moment: but then the
 * kernel has announced it, and the time of the old event stands still.
 */
#include "recorder/probe_internal.h"

#include "recorder/log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	uint64_t config;
} events[] = {
	{ "page_faults", PERF_COUNT_SW_PAGE_FAULTS },
	{ "page_faults_min", PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "page_faults_maj", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "context_switches", PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu_migrations", PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "alignment_faults", PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "emulation_faults", PERF_COUNT_SW_EMULATION_FAULTS },
};

void probe_perf_register(void)
{
	static bool done;

	if (!done)
		libbpf_register_prog_handler("perf_event+",
					     BPF_PROG_TYPE_PERF_EVENT, 0, NULL);
	done = true;
}

static int open_event(uint64_t config, uint32_t cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = config,
		.sample_period = 1, /* each one */
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool probe_perf_try(void)
{
	int fd = open_event(PERF_COUNT_SW_PAGE_FAULTS_MAJ, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int event_of(const struct bpf_program *prog, uint64_t *ret)
{
	const char *name = strchr(bpf_program__section_name(prog), '/');

	for (size_t i = 0; name && i < sizeof(events) / sizeof(events[0]); i++)
		if (!strcmp(name + 1, events[i].name)) {
			*ret = events[i].config;
			return 0;
		}
	return -ENOENT;
}

/* On one CPU. */
static int attach_cpu(struct probe_point *pt, uint32_t cpu)
{
	struct probe_cpu_event *ev = &pt->cpu_events[cpu];
	uint64_t config;
	int err = event_of(pt->prog, &config);

	if (err)
		return err;
	ev->fd = open_event(config, cpu);
	if (ev->fd < 0)
		return ev->fd;
	ev->enabled_ns = 0;
	ev->link = bpf_program__attach_perf_event(pt->prog, ev->fd);
	if (ev->link)
		return 0; /* it owns the descriptor now */
	err = -errno;
	close(ev->fd);
	return err;
}

static void detach_cpu(struct probe_point *pt, uint32_t cpu)
{
	if (pt->cpu_events[cpu].link)
		bpf_link__destroy(pt->cpu_events[cpu].link);
	pt->cpu_events[cpu].link = NULL;
}

int probe_perf_attach(struct probes *p, struct probe_point *pt)
{
	int err = 0;

	pt->cpu_events = calloc(p->cfg.nr_cpus, sizeof(*pt->cpu_events));
	if (!pt->cpu_events)
		return -ENOMEM;
	for (uint32_t cpu = 0; !err && cpu < p->cfg.nr_cpus; cpu++)
		if (probe_cpu_online(cpu))
			err = attach_cpu(pt, cpu);
	if (err)
		probe_perf_detach(p, pt);
	return err;
}

void probe_perf_detach(struct probes *p, struct probe_point *pt)
{
	for (uint32_t cpu = 0; pt->cpu_events && cpu < p->cfg.nr_cpus; cpu++)
		detach_cpu(pt, cpu);
	free(pt->cpu_events);
	pt->cpu_events = NULL;
}

static int pin_cpu(struct probes *p, struct probe_point *pt, uint32_t cpu)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/link_%s_%s_%u", p->pin_folder,
		 pt->stream, pt->name, cpu);
	(void)unlink(path); /* of the event that went with the CPU */
	return bpf_link__pin(pt->cpu_events[cpu].link, path) ? -errno : 0;
}

int probe_perf_pin(struct probes *p, struct probe_point *pt)
{
	int err = 0;

	for (uint32_t cpu = 0; !err && cpu < p->cfg.nr_cpus; cpu++)
		if (pt->cpu_events[cpu].link)
			err = pin_cpu(p, pt, cpu);
	return err;
}

/* ---- CPUs that come and go ------------------------------------------------------ */
/* Counts what the kernel announces of its devices, CPUs among them. */
static uint64_t announcements(void)
{
	FILE *f = fopen("/sys/kernel/uevent_seqnum", "re");
	uint64_t n = 0;

	if (f && fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* Has its time stood still since the last look? */
static bool is_dead(struct probe_cpu_event *ev)
{
	struct {
		uint64_t value, enabled_ns;
	} now;
	uint64_t before = ev->enabled_ns;

	if (read(ev->fd, &now, sizeof(now)) != sizeof(now))
		return true;
	ev->enabled_ns = now.enabled_ns;
	return now.enabled_ns == before;
}

static void follow_cpu(struct probes *p, struct probe_point *pt, uint32_t cpu)
{
	struct probe_cpu_event *ev = &pt->cpu_events[cpu];
	bool online = probe_cpu_online(cpu);
	int err;

	if (ev->link && (!online || (p->perf_looks && is_dead(ev))))
		detach_cpu(pt, cpu);
	if (!online || ev->link)
		return;
	err = attach_cpu(pt, cpu);
	if (!err && p->pin_folder[0])
		err = pin_cpu(p, pt, cpu);
	if (err && !ev->complained)
		log_err(0,
			"%s %s is not attached on CPU %u, which was away: %s%s",
			pt->stream, pt->name, cpu, strerror(-err),
			err == -EACCES ?
				"; set kernel.perf_event_paranoid to 2, or start flightrecd anew" :
				"");
	ev->complained = err != 0;
}

void probe_perf_follow(struct probes *p)
{
	uint64_t announced = announcements();

	if (announced != p->perf_announced)
		p->perf_looks = 2; /* now, and what it is the next time */
	else if (p->perf_looks)
		p->perf_looks--;
	p->perf_announced = announced;
	for (unsigned i = 0; i < FR_PROBE_MAX; i++)
		for (uint32_t cpu = 0;
		     p->points[i].cpu_events && cpu < p->cfg.nr_cpus; cpu++)
			follow_cpu(p, &p->points[i], cpu);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - what each process has used: rows, not metrics (row_table.h).
 *
 * One BPF task iterator tells of all threads in a few read()s; where there is none,
 * /proc/PID is read, four files for each process.  Processes of which nothing
 * changed cost their share of the iterator and a comparison, and not a byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collector.h"
#include "recorder/process_files.h"
#include "recorder/process_rule.h"
#include "recorder/row_table.h"
#include "recorder/task_usage.h"

#define CGROUP_AGAIN 64 /* rounds: without BPF a move is seen that late */

/* Beside a row, from round to round. */
struct process_own {
	uint32_t round;              /* its first thread was seen in */
	uint32_t sum_round;          /* any thread was */
	uint64_t user_ns, system_ns; /* sums of this round, by clock ticks */
	uint64_t system_before;
	uint64_t cgroup; /* of `named` */
	bool is_kernel, looked, named;
};

struct top_entry {
	uint64_t value;
	unsigned row;
};

struct processes {
	struct process_rule rule;
	struct process_files *files;
	int iterator; /* negative: from /proc */
	uint64_t page_bytes;
	struct row_table *rows;
	struct sample *sample;
	uint32_t round;
	struct top_entry top[PROCESS_TOP_MAX]; /* a heap, the least on top */
	unsigned nr_top;
};

#define GAUGE(name)                                       \
	{                                                 \
		"processes." name, "", METRIC_GAUGE, 1, 1 \
	}
static const struct metric_def total_def = GAUGE("total");
static const struct metric_def threads_def = GAUGE("threads");
static const struct metric_def running_def = GAUGE("running");
static const struct metric_def blocked_def = GAUGE("blocked");
static const struct metric_def zombie_def = GAUGE("zombies");

/* ---- by BPF ---------------------------------------------------------------------- */

/* As fs/proc/array.c names them: the highest bit counts. */
static uint16_t state_letter(uint32_t state, uint32_t exit_state)
{
	static const char letters[] = "RSDTtXZPI";
	uint32_t bits = (state | exit_state) & 0x7f;
	unsigned n = 0;

	if ((state & 0x402) == 0x402) /* TASK_IDLE: waits, but is no load */
		return 'I';
	if (state & 0x1000) /* TASK_RTLOCK_WAIT */
		bits = 2;
	while (bits >> n)
		n++;
	return (uint16_t)letters[n];
}

/* Clock ticks only say how the exact time is shared out; neither part may fall. */
static uint64_t system_share(struct process_own *o, uint64_t cpu_ns)
{
	uint64_t ticks = o->user_ns + o->system_ns, system = 0;

	if (ticks)
		system = (uint64_t)((__uint128_t)cpu_ns * o->system_ns / ticks);
	if (system < o->system_before)
		system = o->system_before;
	if (system > cpu_ns)
		system = cpu_ns;
	o->system_before = system;
	return system;
}

static void take_leader(struct processes *p, struct process_own *o,
			struct fr_processes_row *now,
			const struct fr_task_usage *t)
{
	o->round = p->round;
	o->is_kernel = t->pid == 2 || t->ppid == 2;
	now->ppid = t->ppid;
	now->start = t->start;
	now->uid = t->uid;
	now->state = state_letter(t->state, t->exit_state);
	now->cgroup = t->cgroup;
	now->rss_bytes = t->rss_pages * p->page_bytes;
	now->rss_max_bytes = t->rss_max_pages * p->page_bytes;
	now->swap_bytes = t->swap_pages * p->page_bytes;
	now->pss_bytes = UINT64_MAX;
	now->threads = t->threads;
	now->fds = t->fds;
	memcpy(now->comm, t->comm, sizeof(now->comm));
}

static void take_task(void *arg, const struct fr_task_usage *t)
{
	struct processes *p = arg;
	struct fr_processes_row *now;
	struct process_own *o;
	unsigned row = 0;

	now = row_table_at(p->rows, t->pid, t->start, &row);
	if (!now) {
		sample_error(p->sample);
		return;
	}
	o = row_table_own(p->rows, row);
	if (o->sum_round != p->round)
		o->user_ns = o->system_ns = 0;
	o->sum_round = p->round;
	o->user_ns += t->user_ns;
	o->system_ns += t->system_ns;
	now->cpu_ns += t->cpu_ns;
	now->minor_faults += t->minor_faults;
	now->major_faults += t->major_faults;
	now->read_bytes += t->read_bytes;
	now->write_bytes += t->write_bytes;
	now->read_chars += t->read_chars;
	now->write_chars += t->write_chars;
	now->switches += t->switches;
	now->preemptions += t->preemptions;
	if (t->is_leader)
		take_leader(p, o, now, t);
}

static int read_iterator(struct processes *p)
{
	int err = task_usage_read(p->iterator, take_task, p);

	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);
		struct fr_processes_row *now = row_table_now(p->rows, row);

		now->system_ns =
			system_share(row_table_own(p->rows, row), now->cpu_ns);
	}
	return err;
}

/* ---- by /proc ---------------------------------------------------------------------- */

static void find_cgroup(struct processes *p, struct process_own *o,
			struct fr_processes_row *now,
			const struct fr_processes_row *before)
{
	char path[PROCESS_CGROUP_MAX];
	uint64_t id;

	if (before && now->pid % CGROUP_AGAIN != p->round % CGROUP_AGAIN) {
		now->cgroup = before->cgroup;
		return;
	}
	process_files_cgroup(p->files, now->pid, path, &id);
	now->cgroup = id;
	o->looked = false;
}

static void read_process(struct processes *p, uint32_t pid)
{
	struct fr_processes_row read = { 0 }, *now;
	struct process_own *o;
	bool is_kernel = false;
	unsigned row = 0;
	int err = process_files_read(p->files, pid, &read, &is_kernel);

	if (err) {
		if (err != -ENOENT && err != -ESRCH)
			sample_error(p->sample);
		return;
	}
	now = row_table_at(p->rows, pid, read.start, &row);
	if (!now) {
		sample_error(p->sample);
		return;
	}
	read.pss_bytes = UINT64_MAX;
	*now = read;
	o = row_table_own(p->rows, row);
	o->round = p->round;
	o->is_kernel = is_kernel;
	find_cgroup(p, o, now, row_table_before(p->rows, row));
}

static void read_files(struct processes *p)
{
	uint32_t pid;

	process_files_rewind(p->files);
	while ((pid = process_files_next(p->files)))
		read_process(p, pid);
}

/* ---- which of them ----------------------------------------------------------------- */

static bool is_candidate(const struct processes *p, unsigned row)
{
	const struct process_own *o = row_table_own(p->rows, row);

	return o->round == p->round && !(p->rule.no_kernel && o->is_kernel);
}

/* The path is looked up when it may have changed. */
static bool is_named(struct processes *p, unsigned row)
{
	const struct fr_processes_row *now = row_table_now(p->rows, row);
	struct process_own *o = row_table_own(p->rows, row);
	char path[PROCESS_CGROUP_MAX];
	uint64_t id;

	if (!p->rule.by_cgroup)
		return process_rule_names(&p->rule, now, "");
	/* the name of a program may change with each exec */
	if (process_rule_names(&p->rule, now, ""))
		return true;
	if (o->looked && o->cgroup == now->cgroup)
		return o->named;
	process_files_cgroup(p->files, now->pid, path, &id);
	o->looked = path[0];
	o->cgroup = now->cgroup;
	o->named = process_rule_names(&p->rule, now, path);
	return o->named;
}

static void sift(struct top_entry *heap, unsigned nr, unsigned at)
{
	struct top_entry moved = heap[at];
	unsigned child;

	for (; (child = 2 * at + 1) < nr; at = child) {
		if (child + 1 < nr && heap[child + 1].value < heap[child].value)
			child++;
		if (heap[child].value >= moved.value)
			break;
		heap[at] = heap[child];
	}
	heap[at] = moved;
}

static void top_add(struct processes *p, unsigned max, uint64_t value,
		    unsigned row)
{
	struct top_entry e = { value, row };

	if (p->nr_top < max) {
		p->top[p->nr_top++] = e;
		if (p->nr_top == max)
			for (unsigned i = max / 2 + 1; i-- > 0;)
				sift(p->top, max, i);
	} else if (value > p->top[0].value) {
		p->top[0] = e;
		sift(p->top, max, 0);
	}
}

static void choose_top(struct processes *p, const struct process_word *w)
{
	p->nr_top = 0;
	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);
		const void *before = row_table_before(p->rows, row);
		uint64_t value;

		/* in the first round nothing has grown yet */
		if (!is_candidate(p, row) || (!before && p->round == 1))
			continue;
		value = process_rank_of(w->rank, row_table_now(p->rows, row),
					before);
		if (value)
			top_add(p, (unsigned)w->number, value, row);
	}
	for (unsigned i = 0; i < p->nr_top; i++)
		row_table_choose(p->rows, p->top[i].row);
}

static void choose(struct processes *p)
{
	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);

		if (is_candidate(p, row) && is_named(p, row))
			row_table_choose(p->rows, row);
	}
	for (unsigned i = 0; i < p->rule.nr; i++)
		if (p->rule.words[i].kind == PROCESS_TOP)
			choose_top(p, &p->rule.words[i]);
}

static void read_pss(struct processes *p)
{
	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);
		struct fr_processes_row *now = row_table_now(p->rows, row);

		if (now->rss_bytes && row_table_chosen(p->rows, row))
			now->pss_bytes = process_files_pss(p->files, now->pid);
	}
}

/* ---- the four steps ------------------------------------------------------------------ */

static void put_totals(struct processes *p, struct sample *s)
{
	uint64_t threads = 0, states[128] = { 0 };

	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		const struct fr_processes_row *now =
			row_table_now(p->rows, row_table_nth(p->rows, i));

		threads += now->threads;
		states[now->state & 127]++;
	}
	s->source = p->iterator >= 0 ? "bpf:iter/task" : "/proc/PID";
	sample_put(s, &total_def, NULL, 0, row_table_count(p->rows));
	sample_put(s, &threads_def, NULL, 0, (int64_t)threads);
	sample_put(s, &running_def, NULL, 0, (int64_t)states['R']);
	sample_put(s, &blocked_def, NULL, 0, (int64_t)states['D']);
	sample_put(s, &zombie_def, NULL, 0, (int64_t)states['Z']);
}

static int processes_check(const char *list, char *ret_what, size_t size)
{
	struct process_rule rule;

	return process_rule_parse(list, &rule, ret_what, size);
}

static int processes_prepare(struct collector *c, const char *list)
{
	struct processes *p = calloc(1, sizeof(*p));
	char what[256];

	if (!p)
		return -ENOMEM;
	c->state = p;
	p->iterator = -1;
	return process_rule_parse(list, &p->rule, what, sizeof(what));
}

static int processes_open(struct collector *c, const char *root)
{
	struct processes *p = c->state;

	p->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	p->files = process_files_new(root);
	if (!p->files && errno != ENOENT)
		return -errno;
	p->rows = row_table_new(FR_T_processes_row, sizeof(struct process_own));
	if (!p->rows)
		return -ENOMEM;
	c->rows = p->rows;
	if (!*root && !p->rule.no_bpf)
		p->iterator = task_usage_open();
	return 0;
}

/* Then /proc, from now on.  Starts are less exact there: new rows, not old ones that
 * seem to have ended. */
static void leave_iterator(struct collector *c, struct processes *p)
{
	struct row_table *rows =
		row_table_new(FR_T_processes_row, sizeof(struct process_own));

	sample_error(p->sample);
	close(p->iterator);
	p->iterator = -1;
	if (rows) {
		row_table_free(p->rows);
		p->rows = c->rows = rows;
	}
	row_table_begin(p->rows);
}

static void processes_collect(struct collector *c, struct sample *s)
{
	struct processes *p = c->state;

	if (!p->files) /* no /proc at all */
		return;
	p->sample = s;
	p->round++;
	row_table_begin(p->rows);
	if (p->iterator >= 0 && read_iterator(p))
		leave_iterator(c, p);
	if (p->iterator < 0)
		read_files(p);
	choose(p);
	if (p->rule.pss)
		read_pss(p);
	put_totals(p, s);
}

static void processes_close(struct collector *c)
{
	struct processes *p = c->state;

	if (!p)
		return;
	if (p->iterator >= 0)
		close(p->iterator);
	process_files_free(p->files);
	row_table_free(p->rows);
	free(p);
	c->state = NULL;
	c->rows = NULL;
}

const struct collector_ops collector_processes = {
	.name = "processes",
	.doc = "what each process has used: CPU, memory, I/O, faults",
	.man = "A row for each process of which something changed (flightrec show "
	       "--stream processes, flightrec top): state, CPU time, resident "
	       "size and the largest it had, swap, page faults, I/O, context "
	       "switches, threads, open descriptors. The metrics are "
	       "processes.total, .threads, .running, .blocked (state D) and "
	       ".zombies.\n"
	       "\n"
	       "Behind the colon stand words, joined by +, that say which "
	       "processes have rows; a process has them that any word names, "
	       "and without such a word all have. top=N.WHAT: in each round the "
	       "first N by cpu, rss, swap, io, read, write (bytes of storage), "
	       "faults, major, switches, threads or fds; of what only grows, "
	       "those with the most growth since the round before. comm=GLOB: "
	       "by name. cgroup=GLOB: by path of the cgroup, where * takes in /. "
	       "pid=N, uid=N. all. Three words choose nothing: pss reads "
	       "smaps_rollup of each process that has rows (costly: the kernel "
	       "walks all its pages); nokernel leaves out kernel threads; nobpf reads /proc even "
	       "where BPF is to be had. As in "
	       "processes:top=20.cpu+comm=postgres*+cgroup=/system.slice/*.\n"
	       "\n"
	       "The numbers of all threads come from one BPF iterator; where the "
	       "kernel has none, from /proc/PID/stat, status, io and fd. "
	       "CPU time is what the scheduler measures; how it is shared "
	       "between program and kernel is what clock ticks saw, as in "
	       "/proc/PID/stat.",
	.from = "a BPF task iterator, or /proc/PID",
	.changes_only = true,
	.check = processes_check,
	.prepare = processes_prepare,
	.open = processes_open,
	.collect = processes_collect,
	.close = processes_close,
};

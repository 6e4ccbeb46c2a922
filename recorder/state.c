/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.c - fr-state: starts it, and what it does. */
#include "recorder/state.h"

#include <errno.h>
#include <flightrec/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/facts.h"
#include "recorder/priv.h"
#include "recorder/state_proc.h"
#include "recorder/state_system.h"
#include "recorder/state_tasks.h"
#include "recorder/state_text.h"
#include "recorder/state_walk.h"

#define PERIOD_MIN_NS 1000000000ULL
#define TRACKED_MAX   65536U
#define NEVER         UINT64_MAX

struct state {
	struct state_options o;
	struct state_area *area;
	int tasks_fd; /* negative: CPU times come from /proc */
	char machine[17];
	pid_t pid; /* 0: not running */
	/* in the process */
	pid_t parent, walk_pid;
	void *region;
	struct proc_reader *reader;
	struct cpu_table *cpu;
	struct facts facts;
	uint64_t system_hash;
	uint64_t round, walk_round;
	uint64_t tick_due, look_due, walk_due;
	uint32_t asked; /* looks asked for up to here are answered */
	uint64_t tick_ns;
};

/* ---- the ring's share -------------------------------------------------------------- */

uint64_t state_ring_bytes(const struct fr_config *c)
{
	return c->ring_user_memory +
	       (c->state_files ? c->state_files_memory : 0);
}

/* In percent of the whole, rounded up so that nobody else has less. */
static uint32_t share_of(const struct fr_config *c, unsigned weight,
			 unsigned all)
{
	double part = (double)c->ring_user_memory * weight / all;
	double percent = 100 * part / (double)state_ring_bytes(c);

	return (uint32_t)percent + ((double)(uint32_t)percent < percent);
}

static unsigned weight_of(unsigned lane)
{
	switch (lane) {
#define FR_LANE(id, number, name, ring, weight, doc) \
	case FR_LANE_##id:                           \
		return weight;
#include <flightrec/streams.def>
#undef FR_LANE
	default:
		return 0;
	}
}

unsigned state_ring_shares(const struct fr_config *c,
			   struct ring_lane_share ret[3])
{
	static const uint32_t lanes[] = { FR_LANE_SAMPLE, FR_LANE_META,
					  FR_LANE_STATE };
	unsigned all = 0;

	for (unsigned i = 0; i < 3; i++)
		all += weight_of(lanes[i]);
	for (unsigned i = 0; i < 3; i++)
		ret[i] = (struct ring_lane_share){
			lanes[i], share_of(c, weight_of(lanes[i]), all)
		};
	ret[2].percent = 100 - ret[0].percent - ret[1].percent;
	return 3;
}

/* ---- CPU times --------------------------------------------------------------------- */

static void add_task(void *arg, const struct fr_task_time *t)
{
	struct state *s = arg;

	cpu_table_add(s->cpu, t->pid, t->start / s->tick_ns, t->start,
		      t->cpu_ns);
}

static void look_at_times(struct state *s, bool tick)
{
	int err = -ENOENT;

	if (s->tasks_fd >= 0) {
		cpu_table_begin(s->cpu, state_now_ns(), state_boot_ns(), tick);
		err = state_tasks_read(s->tasks_fd, add_task, s);
		cpu_table_end(s->cpu, !err);
	}
	if (err && s->tasks_fd >= 0) { /* then /proc, from now on */
		close(s->tasks_fd);
		s->tasks_fd = -1;
		cpu_table_free(s->cpu);
		s->cpu = cpu_table_new(TRACKED_MAX);
		if (!s->cpu)
			_exit(1);
	}
	if (err)
		proc_reader_times(s->reader, s->cpu, tick);
	state_count(&s->area->counts.by_iterator, s->tasks_fd >= 0);
	state_count(&s->area->counts.untracked, cpu_table_refused(s->cpu));
}

/* ---- looks ------------------------------------------------------------------------- */

static void look(struct state *s, struct state_out *out, bool whole)
{
	struct state_counts *c = &s->area->counts;
	uint64_t hash;
	unsigned nr;

	s->round++;
	nr = proc_reader_look(s->reader, out, s->round, s->cpu,
			      s->tasks_fd >= 0);
	system_collect("", s->machine, &s->facts);
	hash = system_hash(&s->facts);
	if (whole || hash != s->system_hash)
		system_put(&s->facts, out, s->round);
	if (!whole)
		s->system_hash = hash;
	state_count(&c->rounds, s->round);
	state_count(&c->processes, nr);
	state_count(&c->unreadable, proc_reader_errors(s->reader));
}

static void look_for_dump(struct state *s)
{
	struct state_out out = { .area = s->area };
	uint32_t number = s->asked;

	state_area_begin(s->area, number);
	look_at_times(s, false);
	look(s, &out, true);
	state_area_end(s->area, number);
}

static void look_by_itself(struct state *s)
{
	struct state_out out = { .region = s->region,
				 .writer = s->o.writer,
				 .area = s->area,
				 .lost = &s->area->counts.lost };

	look(s, &out, false);
}

/* ---- walks ------------------------------------------------------------------------- */

static void name_and_tie(const char *name, pid_t parent)
{
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void walk_child(struct state *s, pid_t parent)
{
	struct state_counts *c = &s->area->counts;
	const struct fr_config *config = s->o.config;
	struct walk_options o = {
		.root = config->state_root,
		.depth = (unsigned)config->state_depth,
		.max_bytes = config->state_files_memory / 2,
		.round = s->walk_round,
	};
	uint64_t lost = 0, began = state_now_ns();
	struct state_out out = { .region = s->region,
				 .writer = s->o.walk_writer,
				 .area = s->area,
				 .lost = &lost,
				 .patience_ns = config->dump_hold_limit };
	struct walk_result r;

	name_and_tie(STATE_WALK_NAME, parent);
	walk_be_modest();
	if (walk_tree(&o, &out, &r))
		r.errors++;
	state_count(&c->walk_files, r.files);
	state_count(&c->walk_errors, r.errors);
	state_count(&c->walk_skipped, r.skipped);
	state_count(&c->walk_ns, state_now_ns() - began);
	state_count(&c->walks, c->walks + 1);
	_exit(0);
}

static void reap_walk(struct state *s)
{
	if (s->walk_pid <= 0 ||
	    waitpid(s->walk_pid, NULL, WNOHANG) != s->walk_pid)
		return;
	s->walk_pid = 0;
	ring_reclaim_dead(s->region, FR_LANE_STATE, s->o.walk_writer);
}

static void begin_walk(struct state *s)
{
	struct state_counts *c = &s->area->counts;
	pid_t self = getpid();

	reap_walk(s);
	if (s->walk_pid > 0) {
		state_count(&c->walk_late, c->walk_late + 1);
		return;
	}
	s->walk_round = c->walks_begun + 1;
	state_count(&c->walks_begun, s->walk_round);
	s->walk_pid = fork();
	if (s->walk_pid == 0)
		walk_child(s, self);
}

/* ---- the loop ---------------------------------------------------------------------- */

static uint64_t at_least(uint64_t ns, uint64_t least)
{
	return ns < least ? least : ns;
}

/* The next one of a row of deadlines; those that passed meanwhile are left out. */
static uint64_t next_due(uint64_t due, uint64_t period, uint64_t now)
{
	due += period;
	return due > now ? due : now + period;
}

static void count_tick(struct state *s, uint64_t cpu_ns)
{
	struct state_counts *c = &s->area->counts;

	state_count(&c->ticks, c->ticks + 1);
	state_count(&c->tick_cpu_ns, c->tick_cpu_ns + cpu_ns);
}

static void do_what_is_due(struct state *s, uint64_t now)
{
	const struct fr_config *c = s->o.config;
	uint64_t cpu = state_cpu_ns();

	if (now >= s->tick_due) {
		look_at_times(s, true);
		count_tick(s, state_cpu_ns() - cpu);
		reap_walk(s);
		s->tick_due = next_due(s->tick_due, STATE_CPU_TICK_NS, now);
	}
	if (now >= s->look_due) {
		look_by_itself(s);
		s->look_due = next_due(s->look_due,
				       at_least(c->state_processes_period,
						PERIOD_MIN_NS),
				       now);
	}
	if (now >= s->walk_due) {
		begin_walk(s);
		s->walk_due =
			next_due(s->walk_due,
				 at_least(c->state_period, PERIOD_MIN_NS), now);
	}
	state_count(&s->area->counts.cpu_ns, state_cpu_ns());
}

static uint64_t earliest(const struct state *s)
{
	uint64_t at = s->tick_due;

	at = s->look_due < at ? s->look_due : at;
	return s->walk_due < at ? s->walk_due : at;
}

static _Noreturn void loop(struct state *s)
{
	for (;;) {
		uint32_t asked;

		do_what_is_due(s, state_now_ns());
		asked = state_area_sleep(s->area, s->asked, earliest(s));
		if (asked == s->asked)
			continue;
		s->asked = asked;
		if (s->look_due != NEVER)
			look_for_dump(s);
		else
			state_area_end(s->area, asked);
	}
}

/* ---- the process --------------------------------------------------------------------- */

static void reset_signals(void)
{
	static const int ignored[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGINT,
				       SIGPIPE };
	sigset_t none;

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_others(int keep)
{
	if (keep < 3) {
		close_range(3, ~0U, 0);
		return;
	}
	if (keep > 3)
		close_range(3, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0U, 0);
}

static void open_process(struct state *s)
{
	const struct fr_config *c = s->o.config;
	uint64_t now = state_now_ns();

	s->tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	s->reader = proc_reader_new("", c->probes_exec_args);
	s->cpu = cpu_table_new(TRACKED_MAX);
	if (!s->reader || !s->cpu)
		_exit(1);
	s->tick_due = s->look_due = c->state_processes_period ? now : NEVER;
	s->walk_due = c->state_files ? now : NEVER;
	s->round = s->area->counts.rounds; /* of the one before us */
	/* What the one before us was asked for and did not finish is still wanted. */
	s->asked = __atomic_load_n(&s->area->done, __ATOMIC_ACQUIRE);
}

static _Noreturn void run_process(struct state *s)
{
	reset_signals();
	/* Not inherited: forks of the recorder have no right to write it. */
	s->region =
		mmap(NULL, ring_user_bytes(s->o.ring), PROT_READ | PROT_WRITE,
		     MAP_SHARED, ring_user_fd(s->o.ring), 0);
	if (s->region == MAP_FAILED)
		_exit(1);
	close_others(s->tasks_fd);
	if (priv_confine_reader())
		_exit(1);
	name_and_tie(STATE_NAME, s->parent);
	open_process(s);
	loop(s);
}

/* ---- in the recorder ------------------------------------------------------------------- */

int state_new(const struct state_options *o, struct state **ret)
{
	struct state *s;
	char id[128];

	*ret = NULL;
	if (!o->config->state_processes_period && !o->config->state_files)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->area = state_area_new();
	if (!s->area) {
		free(s);
		return -ENOMEM;
	}
	s->tasks_fd =
		o->config->state_processes_period ? state_tasks_open() : -1;
	state_text_word(-1, "/etc/machine-id", id, sizeof(id));
	if (id[0])
		facts_hash_machine(id, s->machine);
	*ret = s;
	return 0;
}

int state_start(struct state *s)
{
	sigset_t all, old;
	int err;

	if (!s || s->pid > 0)
		return 0;
	s->parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->pid = fork();
	if (s->pid == 0)
		run_process(s);
	err = errno;
	if (s->pid < 0)
		s->pid = 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->pid > 0 ? 0 : -err;
}

bool state_ended(struct state *s, int *ret_status)
{
	void *region;

	if (!s || !s->pid || waitpid(s->pid, ret_status, WNOHANG) != s->pid)
		return false;
	s->pid = 0;
	region = ring_user_head(s->o.ring);
	ring_reclaim_dead(region, FR_LANE_STATE, s->o.writer);
	return true;
}

void state_stop(struct state *s)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	if (!s)
		return;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		/* One that hangs in /proc does not die; it is left behind. */
		for (int i = 0; i < 200 && !waitpid(s->pid, NULL, WNOHANG); i++)
			nanosleep(&moment, NULL);
	}
	if (s->tasks_fd >= 0)
		close(s->tasks_fd);
	state_area_free(s->area);
	free(s);
}

uint32_t state_ask(struct state *s)
{
	return s && s->pid > 0 ? state_area_ask(s->area) : 0;
}

struct state_area *state_area(struct state *s)
{
	return s ? s->area : NULL;
}

pid_t state_pid(const struct state *s)
{
	return s ? s->pid : 0;
}

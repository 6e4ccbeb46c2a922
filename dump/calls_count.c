/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <calls.skel.h> /* generated from bpf/calls.bpf.c */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

struct call_counter {
	struct calls_bpf *bpf;
	enum call_by by;
	struct bpf_link **functions; /* uprobes, [nr_functions] */
	unsigned nr_functions;
	struct fr_call_count *per_cpu; /* one slot, as the kernel gives it */
	int nr_cpus;
};

static int say_nothing(enum libbpf_print_level level, const char *fmt,
		       va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* A uprobe on each function, for all processes: which of them count the program
 * decides.  Two descriptors each. */
static int attach_functions(struct call_counter *c,
			    const struct call_library *l)
{
	unsigned nr = call_library_functions(l);

	c->functions = calloc(nr, sizeof(struct bpf_link *));
	if (!c->functions)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, o, .bpf_cookie = i);

		c->functions[i] = bpf_program__attach_uprobe_opts(
			c->bpf->progs.count_function, -1, call_library_path(l),
			call_library_offset(l, i), &o);
		if (!c->functions[i])
			return -errno;
		c->nr_functions++;
	}
	return 0;
}

/* The command keeps the limit that we were given. */
static int attach_many(struct call_counter *c, const struct call_library *l)
{
	struct rlimit old, more;
	int err;

	getrlimit(RLIMIT_NOFILE, &old);
	more = (struct rlimit){ .rlim_cur = old.rlim_max,
				.rlim_max = old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &more);
	err = attach_functions(c, l);
	setrlimit(RLIMIT_NOFILE, &old);
	return err;
}

static void choose(struct call_counter *c, const struct call_library *l)
{
	struct calls_bpf *b = c->bpf;

	b->rodata->by_comm = c->by == CALL_BY_COMM;
	b->rodata->by_pid = c->by == CALL_BY_PID;
	if (c->by != CALL_BY_NOTHING)
		bpf_map__set_max_entries(b->maps.counts_by, FR_CALL_KEYS);
	bpf_program__set_autoload(b->progs.count_enter, !l);
	bpf_program__set_autoload(b->progs.count_exit, !l);
	bpf_program__set_autoload(b->progs.count_function, l);
}

static int load(struct call_counter *c, const struct call_library *l)
{
	int err;

	c->nr_cpus = libbpf_num_possible_cpus();
	if (c->nr_cpus <= 0)
		return c->nr_cpus ? c->nr_cpus : -EINVAL;
	c->per_cpu = calloc((size_t)c->nr_cpus, sizeof(*c->per_cpu));
	if (!c->per_cpu)
		return -ENOMEM;
	c->bpf = calls_bpf__open();
	if (!c->bpf)
		return -errno;
	choose(c, l);
	err = calls_bpf__load(c->bpf);
	err = err ? err : calls_bpf__attach(c->bpf);
	return err || !l ? err : attach_many(c, l);
}

int call_counter_open(const struct call_library *library, enum call_by by,
		      struct call_counter **ret)
{
	struct call_counter *c = calloc(1, sizeof(*c));
	libbpf_print_fn_t old;
	int err;

	if (!c)
		return -ENOMEM;
	c->by = by;
	old = libbpf_set_print(say_nothing); /* the caller says it */
	err = load(c, library);
	libbpf_set_print(old);
	if (err) {
		call_counter_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

static int add_process(struct call_counter *c, pid_t pid,
		       const struct fr_call_process *p)
{
	uint32_t key = (uint32_t)pid;

	return bpf_map_update_elem(bpf_map__fd(c->bpf->maps.processes), &key, p,
				   BPF_ANY) ?
		       -errno :
		       0;
}

int call_counter_follow(struct call_counter *c, pid_t pid)
{
	return add_process(c, pid, &(struct fr_call_process){ .threads = 1 });
}

/* Nobody can tell how many threads it has in the moment that it is added. */
int call_counter_attach(struct call_counter *c, pid_t pid)
{
	return add_process(c, pid,
			   &(struct fr_call_process){
				   .threads = FR_CALL_ATTACHED, .counts = 1 });
}

static void add_up(const struct call_counter *c, struct fr_call_count *ret)
{
	*ret = (struct fr_call_count){ 0 };
	for (int i = 0; i < c->nr_cpus; i++) {
		const struct fr_call_count *one = &c->per_cpu[i];

		ret->calls += one->calls;
		ret->errors += one->errors;
		ret->total_ns += one->total_ns;
		if (one->max_ns > ret->max_ns)
			ret->max_ns = one->max_ns;
	}
}

int call_counter_read(const struct call_counter *c, struct fr_call_count *slots)
{
	int fd = bpf_map__fd(c->bpf->maps.counts);

	for (uint32_t slot = 0; slot < FR_CALL_SLOTS; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, c->per_cpu))
			return -errno;
		add_up(c, &slots[slot]);
	}
	return 0;
}

static int all_slots(const struct call_counter *c, struct call_item *items,
		     unsigned *ret_nr)
{
	int fd = bpf_map__fd(c->bpf->maps.counts);
	unsigned nr = 0;

	for (uint32_t slot = 0; slot < FR_CALL_SLOTS; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, c->per_cpu))
			return -errno;
		items[nr] = (struct call_item){ .key.slot = slot };
		add_up(c, &items[nr].n);
		nr += items[nr].n.calls != 0;
	}
	*ret_nr = nr;
	return 0;
}

/* Nothing is ever taken out, so each key comes once. */
static int all_keys(const struct call_counter *c, struct call_item *items,
		    unsigned *ret_nr)
{
	int fd = bpf_map__fd(c->bpf->maps.counts_by);
	const struct fr_call_key *before = NULL;
	unsigned nr = 0;

	while (nr < FR_CALL_KEYS &&
	       bpf_map_get_next_key(fd, before, &items[nr].key) == 0) {
		if (bpf_map_lookup_elem(fd, &items[nr].key, c->per_cpu))
			return -errno;
		add_up(c, &items[nr].n);
		before = &items[nr++].key;
	}
	*ret_nr = nr;
	return 0;
}

int call_counter_items(const struct call_counter *c, struct call_item **ret,
		       unsigned *ret_nr)
{
	bool by = c->by != CALL_BY_NOTHING;
	struct call_item *items =
		calloc(by ? FR_CALL_KEYS : FR_CALL_SLOTS + 1, sizeof(*items));
	int err;

	if (!items)
		return -ENOMEM;
	err = by ? all_keys(c, items, ret_nr) : all_slots(c, items, ret_nr);
	if (err)
		free(items);
	else
		*ret = items;
	return err;
}

void call_counter_lost(const struct call_counter *c, uint64_t *ret_processes,
		       uint64_t *ret_calls)
{
	*ret_processes = c->bpf->bss->processes_lost;
	*ret_calls = c->bpf->bss->calls_lost;
}

void call_counter_close(struct call_counter *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->nr_functions; i++)
		bpf_link__destroy(c->functions[i]);
	free(c->functions);
	calls_bpf__destroy(c->bpf);
	free(c->per_cpu);
	free(c);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_load.c - opens the BPF objects, gives all of them the same maps and
 * constants, and loads the programs that probe_pick() chose.
 *
 * A program that the kernel refuses costs only itself: the object is opened
 * again without it, with the next candidate of that point.
 */
#include "recorder/probe_internal.h"

#include <bpf_list.h> /* generated: name and bytes of each object */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What libbpf said last about a program that failed. */
static char load_error[512];
static char failed_program[64];
static char missing[128]; /* what this kernel has not: "struct a.b" */

/* The log of a refused program names the member of a structure that could not be
 * found, at its end. */
static void note_missing(const char *log)
{
	const char *at = strstr(log, "failed to resolve CO-RE relocation");

	at = at ? strstr(at, "] ") : NULL;
	if (at)
		snprintf(missing, sizeof(missing), "%.*s",
			 (int)strcspn(at + 2, "(\n") - 1, at + 2);
}

static int on_libbpf_message(enum libbpf_print_level level, const char *fmt,
			     va_list ap)
{
	char line[512], *log;
	const char *at;
	va_list again;

	if (level != LIBBPF_WARN)
		return 0;
	va_copy(again, ap);
	vsnprintf(line, sizeof(line), fmt, ap);
	if (strstr(line, "PROG LOAD LOG") && vasprintf(&log, fmt, again) >= 0) {
		note_missing(log);
		free(log);
	}
	va_end(again);
	at = strstr(line, "prog '");
	if (at && (strstr(line, "load failed") || strstr(line, "failed to"))) {
		snprintf(load_error, sizeof(load_error), "%s", line);
		snprintf(failed_program, sizeof(failed_program), "%.*s",
			 (int)strcspn(at + 6, "'"), at + 6);
	} else if (!load_error[0]) {
		snprintf(load_error, sizeof(load_error), "%s", line);
	}
	load_error[strcspn(load_error, "\n")] = 0;
	return 0;
}

/* ---- constants ----------------------------------------------------------- */
void *probe_rodata_var(struct bpf_object *o, const char *name, size_t size)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, ".rodata");
	const struct btf *btf = bpf_object__btf(o);
	const struct btf_type *sec;
	size_t total = 0;
	char *base;
	int id;

	base = m ? (char *)(uintptr_t)bpf_map__initial_value(m, &total) : NULL;
	id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) :
		   -1;
	if (!base || id < 0)
		return NULL;
	sec = btf__type_by_id(btf, (unsigned)id);
	for (unsigned i = 0; i < btf_vlen(sec); i++) {
		const struct btf_var_secinfo *v = btf_var_secinfos(sec) + i;
		const struct btf_type *var = btf__type_by_id(btf, v->type);

		if (strcmp(btf__name_by_offset(btf, var->name_off), name))
			continue;
		return v->size == size && v->offset + size <= total ?
			       base + v->offset :
			       NULL;
	}
	return NULL;
}

/* "PATH,LANG" -> "PATH=", "LANG=" with masks; what is too long or too many was
 * refused by config_check. */
static void set_env_names(struct fr_env_name *env, const char *list)
{
	for (unsigned i = 0; i < FR_ENV_NAMES && list && *list; i++) {
		size_t n = strcspn(list, ",");

		if (n && n < FR_ENV_NAME_BYTES) {
			memcpy(env[i].text, list, n);
			((char *)env[i].text)[n] = '=';
			memset(env[i].mask, 0xff, n + 1);
		} else {
			i--;
		}
		list += n + strspn(list + n, ", ");
	}
}

static void set_constants(struct probes *p, struct bpf_object *o)
{
	struct fr_bpf_cfg *cfg = probe_rodata_var(o, "fr_cfg", sizeof(*cfg));
	uint8_t *nr = probe_rodata_var(o, "fr_nr", 512);
	uint8_t *nr32 = probe_rodata_var(o, "fr_nr32", 512);
	struct fr_call_info *calls =
		probe_rodata_var(o, "fr_calls", FR_CALLS_MAX * sizeof(*calls));

	struct fr_env_name *env =
		probe_rodata_var(o, "fr_env", FR_ENV_NAMES * sizeof(*env));

	uint64_t *text = probe_rodata_var(o, "fr_text", 2 * sizeof(*text));

	if (cfg)
		*cfg = p->cfg;
	if (text)
		probe_kernel_text(text);
	if (env)
		set_env_names(env, p->config->probes_exec_env);
	if (nr && nr32 && calls)
		probe_calls_fill(p->cfg.streams, nr, nr32, calls);
}

/* ---- maps ------------------------------------------------------------------ */
struct probe_map *probe_map(struct probes *p, const char *name)
{
	for (unsigned i = 0; i < p->nr_maps; i++)
		if (!strcmp(p->maps[i].name, name))
			return &p->maps[i];
	return NULL;
}

static uint32_t map_entries(const struct probes *p, const char *name)
{
	if (!strcmp(name, "ring"))
		return p->geometry.nr_pages;
	if (!strcmp(name, "counts"))
		return p->cfg.nr_cpus;
	if (!strcmp(name, "inflight"))
		return p->cfg.inflight_mask + 1;
	if (!strcmp(name, "seen"))
		return p->cfg.seen_mask + 1;
	if (!strcmp(name, "hist_index"))
		return p->cfg.nr_cpus;
	if (!strcmp(name, "hist"))
		return p->cfg.nr_cpus * (p->cfg.hist_rows ?: 1);
	if (!strcmp(name, "scratch"))
		return 2 * p->nr_scratch;
	if (!strcmp(name, "event_paths"))
		return p->nr_scratch;
	if (!strncmp(name, "tid_", 4)) /* an entry per thread, as inflight */
		return p->cfg.inflight_mask + 1;
	return 0;
}

static bool map_is_private(const char *name)
{
	return strchr(name, '.') != NULL; /* .rodata, .bss, ... */
}

/* Gives the object the maps that exist already, and sizes to the others. */
static int share_maps(struct probes *p, struct bpf_object *o)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, o) {
		const char *name = bpf_map__name(m);
		struct probe_map *known;
		uint32_t entries;
		int err = 0;

		if (map_is_private(name))
			continue;
		known = probe_map(p, name);
		entries = map_entries(p, name);
		if (known)
			err = bpf_map__reuse_fd(m, known->fd);
		else if (entries)
			err = bpf_map__set_max_entries(m, entries);
		if (err)
			return err;
	}
	return 0;
}

/* Notes the maps that loading an object made. */
static int keep_maps(struct probes *p, struct bpf_object *o)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, o) {
		const char *name = bpf_map__name(m);
		struct probe_map *pm = &p->maps[p->nr_maps];

		if (map_is_private(name) || probe_map(p, name))
			continue;
		if (p->nr_maps == PROBE_MAPS_MAX)
			return -E2BIG;
		snprintf(pm->name, sizeof(pm->name), "%s", name);
		pm->fd = dup(bpf_map__fd(m));
		if (pm->fd < 0)
			return -errno;
		p->nr_maps++;
	}
	return 0;
}

/* ---- programs ---------------------------------------------------------------- */
static struct probe_point *point_of(struct probes *p, const char *program)
{
	const char *variant;
	char mechanism[16];

	for (unsigned i = 0; i < FR_PROBE_MAX; i++)
		if (p->points[i].stream &&
		    probe_program_is(program, &p->points[i], mechanism,
				     &variant))
			return &p->points[i];
	return NULL;
}

/* Switches on what probe_pick() chooses, all else off; how many are on. */
static unsigned choose(struct probes *p, struct bpf_object *o,
		       const char *stream)
{
	struct bpf_program *prog;
	unsigned on = 0, index;

	bpf_object__for_each_program(prog, o)
		bpf_program__set_autoload(prog, false);
	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		struct probe_point *pt = &p->points[i];

		if (!pt->stream || strcmp(pt->stream, stream) || !pt->wanted ||
		    pt->carried)
			continue;
		pt->prog = probe_pick(p, o, pt, &index);
	}
	probe_ways_settle(p, o, stream);
	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		struct probe_point *pt = &p->points[i];

		if (!pt->stream || strcmp(pt->stream, stream) || !pt->prog)
			continue;
		bpf_program__set_autoload(pt->prog, true);
		on++;
	}
	return on;
}

/* Its number among the programs of the point. */
static unsigned program_index(struct bpf_object *o,
			      const struct probe_point *pt, const char *name)
{
	struct bpf_program *prog;
	const char *variant;
	char mechanism[16];
	unsigned i = 0;

	bpf_object__for_each_program(prog, o) {
		if (!strcmp(bpf_program__name(prog), name))
			return i;
		i += (unsigned)probe_program_is(bpf_program__name(prog), pt,
						mechanism, &variant);
	}
	return 63;
}

/* After a failure: strikes the program out.  False: nothing left to try. */
static bool strike(struct probes *p, struct bpf_object *o, const char *stream)
{
	struct probe_point *pt = point_of(p, failed_program);

	if (!pt) { /* not one program's fault */
		for (unsigned i = 0; i < FR_PROBE_MAX; i++)
			if (p->points[i].stream &&
			    !strcmp(p->points[i].stream, stream))
				snprintf(p->points[i].why,
					 sizeof(p->points[i].why), "%s",
					 load_error);
		return false;
	}
	pt->refused |= 1ull << program_index(o, pt, failed_program);
	if (missing[0])
		snprintf(pt->why, sizeof(pt->why), "%s: this kernel has no %s",
			 failed_program, missing);
	else
		snprintf(pt->why, sizeof(pt->why), "the kernel refused %s: %s",
			 failed_program, load_error);
	return true;
}

static void forget_programs(struct probes *p, const char *stream)
{
	for (unsigned i = 0; i < FR_PROBE_MAX; i++)
		if (p->points[i].stream && !strcmp(p->points[i].stream, stream))
			p->points[i].prog = NULL;
}

static int load_object(struct probes *p, unsigned which)
{
	const char *stream = bpf_objects[which].name;
	size_t size;
	const void *bytes = bpf_objects[which].bytes(&size);

	for (int attempt = 0; attempt < 64; attempt++) {
		struct bpf_object *o;
		int err;

		LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = stream);
		load_error[0] = failed_program[0] = missing[0] = 0;
		o = bpf_object__open_mem(bytes, size, &opts);
		if (!o)
			return -errno;
		if (!choose(p, o, stream)) {
			bpf_object__close(o);
			return 0;
		}
		set_constants(p, o);
		err = share_maps(p, o);
		if (!err)
			err = bpf_object__load(o);
		if (!err) {
			p->objects[p->nr_objects++] = o;
			return keep_maps(p, o);
		}
		forget_programs(p, stream);
		if (!strike(p, o, stream)) {
			bpf_object__close(o);
			return err;
		}
		bpf_object__close(o);
	}
	return -E2BIG;
}

int probe_load_all(struct probes *p, struct fr_diag *diag)
{
	int first_err = 0;

	libbpf_set_print(on_libbpf_message);
	probe_perf_register();
	for (unsigned i = 0; i < sizeof(bpf_objects) / sizeof(bpf_objects[0]);
	     i++) {
		int err = load_object(p, i);

		if (err && !first_err) {
			first_err = err;
			snprintf(
				diag->text, sizeof(diag->text),
				"the kernel does not take our BPF programs (%s): %s",
				bpf_objects[i].name,
				load_error[0] ? load_error : strerror(-err));
		}
	}
	return p->nr_objects ? 0 : first_err ?: -ENOENT;
}

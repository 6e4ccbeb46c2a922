/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anonymize_record.c - whole records, by the schema, and facts. */
#include <flightrec/event.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "dump/anonymize_impl.h"
#include "dump/snapshot_format.h"

#define NOT_A_PATH       4u /* flags of name_path */
#define ANON_INODE_MAGIC 0x09041934u
#define TAIL_MAX         4600 /* more than a record of the ring can hold */

uint64_t *anonymize_row_field(struct anonymize_row *row, const char *name)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
#define FIELD(f) { #f, offsetof(struct anonymize_row, f) }
		FIELD(flags),    FIELD(fs_magic),   FIELD(level),
		FIELD(option),   FIELD(pid),        FIELD(ppid),
		FIELD(comm_len), FIELD(cgroup_len), FIELD(value_len),
		FIELD(row_type),
#undef FIELD
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(fields[i].name, name))
			return (uint64_t *)(void *)((char *)row +
						    fields[i].offset);
	return NULL;
}

/* ---- tails, by kind ------------------------------------------------------------- */

static size_t keep(char *dst, const char *src, size_t len)
{
	memcpy(dst, src, len);
	return len;
}

/* Components with a NUL behind each, the leaf first. */
static size_t put_parts(const struct anonymizer *a, struct anonymize_row *row,
			char *dst, const char *src, size_t len)
{
	size_t out = 0, begin = 0;

	/* the kernel's own words: [eventfd], inotify */
	if (row->flags & NOT_A_PATH && row->fs_magic == ANON_INODE_MAGIC)
		return keep(dst, src, len);
	while (begin < len) {
		size_t n = strnlen(src + begin, len - begin);

		/* a root is called "/" */
		out += n == 1 && src[begin] == '/' ?
			       keep(dst + out, "/", 1) :
			       anonymize_part(a, dst + out, src + begin, n);
		begin += n;
		if (begin < len)
			dst[out++] = src[begin++]; /* NUL */
	}
	return out;
}

static size_t put_args(const struct anonymizer *a, char *dst, const char *src,
		       size_t len)
{
	size_t out = 0, begin = 0;

	while (begin < len) {
		size_t n = strnlen(src + begin, len - begin);

		out += anonymize_text(a, dst + out, src + begin, n);
		begin += n;
		if (begin < len)
			dst[out++] = src[begin++];
	}
	return out;
}

/* "NAME=value": which variables are recorded is a setting, not a secret. */
static size_t put_env(const struct anonymizer *a, char *dst, const char *src,
		      size_t len)
{
	size_t out = 0, begin = 0;

	while (begin < len) {
		size_t n = strnlen(src + begin, len - begin);
		const char *equals = memchr(src + begin, '=', n);
		size_t name = equals ? (size_t)(equals + 1 - src) - begin : 0;

		out += keep(dst + out, src + begin, name);
		out += anonymize_text(a, dst + out, src + begin + name,
				      n - name);
		begin += n;
		if (begin < len)
			dst[out++] = src[begin++];
	}
	return out;
}

/* Name, path of the cgroup, command line; kernel threads have no command line
 * and are children of the second process. */
static size_t put_state_proc(const struct anonymizer *a,
			     struct anonymize_row *row, char *dst,
			     const char *src, size_t len)
{
	size_t comm = row->comm_len < len ? (size_t)row->comm_len : len;
	size_t cgroup = row->cgroup_len < len - comm ? (size_t)row->cgroup_len :
						       len - comm;
	size_t rest = comm + cgroup, out;
	bool kernel = rest == len && (row->pid == 2 || row->ppid == 2);

	out = kernel ? keep(dst, src, comm) : anonymize_part(a, dst, src, comm);
	row->comm_len = out;
	row->cgroup_len =
		cgroup ? anonymize_text(a, dst + out, src + comm, cgroup) : 0;
	out += row->cgroup_len;
	return out + put_args(a, dst + out, src + rest, len - rest);
}

static bool in_list(const char *const *list, const char *text, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && !memcmp(*list, text, len))
			return true;
	return false;
}

/* What the makers of hardware and kernel chose. */
static bool fact_is_plain(const char *key, size_t len)
{
	static const char *const plain[] = { "System",
					     "Distribution",
					     "Release",
					     "Version",
					     "Machine",
					     "CPU Brand",
					     "CPU Cores (logical)",
					     "CPU Cores (physical)",
					     "CPU Frequency",
					     "Total Memory",
					     "Available Memory",
					     "Total Swap",
					     "GPUs",
					     "Storages",
					     "Partitions",
					     NULL };
	static const char *const secret[] = { "serial", "wwid",  "wwn",
					      "uuid",   "label", NULL };
	const char *slash = memchr(key, '/', len);
	const char *last = memrchr(key, '/', len);

	return in_list(plain, key, slash ? (size_t)(slash - key) : len) &&
	       !(last &&
		 in_list(secret, last + 1, (size_t)(key + len - last) - 1));
}

/* "Network/NAME/what=value": the name is its owner's, all else the kernel's. */
static size_t put_network(const struct anonymizer *a, char *dst,
			  const char *src, size_t len, size_t key)
{
	const char *name = src + strlen("Network/");
	const char *end = memrchr(name, '/', (size_t)(src + key - name));
	size_t out = keep(dst, src, strlen("Network/"));

	if (!end)
		end = src + key;
	if (end - name == 2 && !memcmp(name, "lo", 2))
		return keep(dst, src, len);
	out += anonymize_part(a, dst + out, name, (size_t)(end - name));
	return out + keep(dst + out, end, len - (size_t)(end - src));
}

static bool all_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/* "Key/part/part=value" */
static size_t put_state_fact(const struct anonymizer *a, char *dst,
			     const char *src, size_t len)
{
	const char *equals = memchr(src, '=', len);
	size_t key = equals ? (size_t)(equals - src) : len, out;
	const char *slash = memchr(src, '/', key);

	if (fact_is_plain(src, key))
		return keep(dst, src, len);
	if (key > 8 && !memcmp(src, "Network/", 8))
		return put_network(a, dst, src, len, key);
	/* Mounts/NUMBER=..., or what is not known here */
	if (!slash || all_digits(slash + 1, (size_t)(src + key - slash) - 1))
		slash = src + key;
	out = keep(dst, src, (size_t)(slash - src));
	out += anonymize_text(a, dst + out, slash, (size_t)(src + key - slash));
	if (!equals)
		return out;
	out += keep(dst + out, "=", 1);
	return out + anonymize_text(a, dst + out, equals + 1, len - key - 1);
}

/* Families of metrics whose instance is somebody's word: who manages a machine names
 * its network devices, mount points and swap files, and interrupts have their
 * names from network devices.  Others have those that the kernel gave them. */
static const struct {
	const char *family;
	bool has_number; /* a part before the instance stays */
	bool has_field;  /* the part behind it stays */
} metric_hidden[] = {
	{ "net.", false, true },        { "filesystem.", false, true },
	{ "nfsmount.", false, true },   { "swap.", false, true },
	{ "interrupts.", true, false },
};

/* Fields of nfsmount.POINT.OPERATION.FIELD; others have no operation. */
static bool has_operation(const char *field, size_t len)
{
	static const char *const fields[] = {
		"ops",        "transmissions",  "timeouts",
		"sent_bytes", "received_bytes", "queue_ns",
		"rtt_ns",     "execute_ns",     "errors",
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strlen(fields[i]) == len && !memcmp(fields[i], field, len))
			return true;
	return false;
}

/* Where the instance ends: at the dot before the field, or before OP.FIELD. */
static const char *metric_instance_end(const char *begin, const char *end,
				       bool is_nfs)
{
	const char *dot = memrchr(begin, '.', (size_t)(end - begin)), *op;

	if (!dot)
		return NULL;
	if (!is_nfs || !has_operation(dot + 1, (size_t)(end - dot) - 1))
		return dot;
	op = memrchr(begin, '.', (size_t)(dot - begin));
	return op ?: dot;
}

/* The instance of a metric of this family: from *begin to *end; false: it has none. */
static bool metric_instance(size_t family, const char **begin, const char **end)
{
	const char *from = *begin;

	if (metric_hidden[family].has_number) {
		from = memchr(from, '.', (size_t)(*end - from));
		if (!from)
			return false;
		from++;
	}
	if (metric_hidden[family].has_field)
		*end = metric_instance_end(from, *end,
					   !strcmp(metric_hidden[family].family,
						   "nfsmount."));
	*begin = from;
	return *end && *end > from;
}

static size_t put_metric(const struct anonymizer *a, char *dst, const char *src,
			 size_t len)
{
	size_t name = strnlen(src, len), out;

	for (size_t i = 0; i < sizeof(metric_hidden) / sizeof(*metric_hidden);
	     i++) {
		size_t n = strlen(metric_hidden[i].family);
		const char *begin = src + n, *end = src + name;

		if (name < n || memcmp(src, metric_hidden[i].family, n))
			continue;
		if (!metric_instance(i, &begin, &end) ||
		    (end - begin == 2 && !memcmp(begin, "lo", 2)))
			break;
		out = keep(dst, src, (size_t)(begin - src));
		out += anonymize_text(a, dst + out, begin,
				      (size_t)(end - begin));
		return out + keep(dst + out, end, len - (size_t)(end - src));
	}
	return keep(dst, src, len);
}

size_t anonymize_tail(const struct anonymizer *a, const struct fr_schema *s,
		      struct anonymize_row *row, char *dst, const char *src,
		      size_t len)
{
	const char *kind = s->tail_kind;

	if (!strcmp(kind, "VALUES") || !strcmp(kind, "BUCKETS"))
		return keep(dst, src, len);
	if (!strcmp(kind, "ROWS"))
		return anonymize_rows(a, row, dst, src, len);
	if (!strcmp(kind, "PARTS"))
		return put_parts(a, row, dst, src, len);
	if (!strcmp(kind, "ARGS") && !strcmp(s->tail_name, "env"))
		return put_env(a, dst, src, len);
	if (!strcmp(kind, "ARGS"))
		return put_args(a, dst, src, len);
	if (!strcmp(kind, "STATEPROC"))
		return put_state_proc(a, row, dst, src, len);
	if (!strcmp(kind, "STATEFACT"))
		return put_state_fact(a, dst, src, len);
	if (!strcmp(kind, "STR") && !strcmp(s->name, "metric"))
		return put_metric(a, dst, src, len);
	/* "@name": an abstract socket */
	if (len && *src == '@' && !strcmp(s->stream, "names")) {
		*dst = '@';
		return 1 + anonymize_text(a, dst + 1, src + 1, len - 1);
	}
	return anonymize_text(a, dst, src, len);
}

/* ---- records -------------------------------------------------------------------- */

static uint64_t read_head(const uint8_t *rec)
{
	uint64_t head;

	memcpy(&head, rec, sizeof(head));
	return head;
}

static void write_aux(uint8_t *rec, uint64_t aux)
{
	uint64_t head = (read_head(rec) & ~0xffffULL) | (aux & 0xffff);

	memcpy(rec, &head, sizeof(head));
}

static void each_number(const struct fr_schema *s, const uint8_t *rec,
			struct anonymize_row *row)
{
	for (unsigned i = 0; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];
		uint64_t *at = anonymize_row_field(row, f->name);

		if (at && !f->is_chars)
			*at = snap_get_int(rec + f->offset, f->width);
	}
	row->is_name = !strcmp(s->stream, "names");
}

static void each_field(const struct anonymizer *a, const struct fr_schema *s,
		       struct anonymize_row *row, uint8_t *dst,
		       const uint8_t *rec)
{
	for (unsigned i = 0; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];
		uint64_t value;

		if (f->is_chars) {
			anonymize_field(a, f, row, dst + f->offset,
					rec + f->offset, f->width);
			continue;
		}
		value = snap_get_int(rec + f->offset, f->width);
		if (anonymize_number(a, f, &value))
			snap_put_int(dst + f->offset, value, f->width);
	}
}

/* What the anonymizer changed beside texts. */
static void put_back(const struct fr_schema *s, struct anonymize_row *row,
		     uint8_t *dst)
{
	static const char *const names[] = { "comm_len", "cgroup_len",
					     "value_len", NULL };

	for (unsigned i = 0; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];

		if (in_list(names, f->name, strlen(f->name)))
			snap_put_int(dst + f->offset,
				     *anonymize_row_field(row, f->name),
				     f->width);
	}
}

/* Length of the tail as the record says; SIZE_MAX: it contradicts itself. */
static size_t tail_length(const struct fr_schema *s, const uint8_t *rec,
			  size_t len, const struct fr_field **ret_field)
{
	uint64_t n = read_head(rec) & 0xffff;

	*ret_field = NULL;
	if (!s->tail_name)
		return 0;
	for (unsigned i = 0; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];

		if (!strcmp(f->name, s->tail_len)) {
			*ret_field = f;
			n = snap_get_int(rec + f->offset, f->width);
		}
	}
	return n > len - s->bytes || n > TAIL_MAX ? SIZE_MAX : (size_t)n;
}

size_t anonymize_record(const struct anonymizer *a, uint8_t *dst,
			const uint8_t *rec, size_t len)
{
	const struct fr_schema *s = NULL;
	const struct fr_field *field;
	struct anonymize_row row = { 0 };
	size_t tail = SIZE_MAX, n;

	if (len >= 16)
		s = fr_schema_by_type(FR_HEAD_TYPE(read_head(rec)));
	if (s && len >= s->bytes)
		tail = tail_length(s, rec, len, &field);
	if (tail == SIZE_MAX) {
		n = len < 8 ? len : 8;
		memcpy(dst, rec, n);
		return n;
	}
	memcpy(dst, rec, s->bytes);
	each_number(s, rec, &row);
	each_field(a, s, &row, dst, rec);
	rec += s->bytes;
	n = !tail ? 0 :
		    anonymize_tail(a, s, &row, (char *)dst + s->bytes,
				   (const char *)rec, tail);
	put_back(s, &row, dst);
	if (field)
		snap_put_int(dst + field->offset, n, field->width);
	else if (s->tail_name)
		write_aux(dst, n);
	return s->bytes + n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_csv.h - the files and columns of `flightrec export --to csv`.
 *
 * The layout is that of the I/O tracer whose text flightrec-csv(5) names; the
 * tables (export_csv_layout.c) are also what the manifest and the manual say.
 */
#ifndef DUMP_EXPORT_CSV_H
#define DUMP_EXPORT_CSV_H

#include "dump/export_out.h"
#include "dump/exporter.h"

/* How the cell is made of the column of the view that is named as its source. */
enum csv_form {
	CSV_AS_IS, /* numbers as numbers, text as text */
	CSV_TIME,  /* local wall clock: 2026-11-20 13:05:00.250000 */
	CSV_WALL,  /* the same, of ns of CLOCK_REALTIME */
	CSV_BOOT,  /* the same, of ns of CLOCK_BOOTTIME */
	CSV_UPPER, /* in upper case */
	CSV_FS_OP, /* the same; reads and writes of O_DIRECT: DIO_ */
	CSV_PATHS, /* "old -> new" where there are two */
	CSV_TARGET,
	CSV_SHORT, /* words without what all of them begin with */
	CSV_MS,    /* ns as ms: 0.250000 */
	CSV_SERVICE_MS,
	CSV_TIMEOUT_MS,
	CSV_HEX,
	CSV_KB,
	CSV_PAGES,
	CSV_PAGE_OFFSET,
	CSV_PERCENT,
	CSV_STATUS,
	CSV_IPVER,
	CSV_ERROR, /* negative errno, or 0 */
	CSV_READY,
	CSV_EPOLL_FD,
	CSV_FORMS
};

struct csv_column {
	const char *name;
	enum csv_form form;
	const char *source; /* column of the view */
	const char *type;   /* timestamp, text, integer, decimal, hexadecimal */
	const char *unit;
	const char *doc;
};

struct csv_layout {
	const char *stream, *path, *doc;
	const struct csv_column *columns;
	unsigned nr;
};

/* NULL-terminated by stream.  All but "system", which is no CSV file. */
extern const struct csv_layout csv_layouts[];
/* Of a stream that is not among them: all that the view has.  The columns are to
 * be freed.  0 or -ENOMEM. */
int csv_layout_other(const struct view *v, unsigned stream,
		     struct csv_layout *ret);

#define CSV_COLUMNS_MAX 128

/* Columns that forms look at beside their source. */
enum csv_other {
	CSV_OTHER_OP,
	CSV_OTHER_RET,
	CSV_OTHER_PATH2,
	CSV_OTHER_DIRECT,
	CSV_OTHER_QUEUE_DUR,
	CSV_OTHERS
};

struct csv_file { /* one that is being written */
	const struct csv_layout *layout;
	struct csv_layout made; /* what layout points to, if it is of no table */
	struct export_out *out;
	unsigned stream;
	/* columns of the view */
	unsigned sources[CSV_COLUMNS_MAX], others[CSV_OTHERS];
	char path[64];
	uint64_t rows, first_ns, last_ns; /* CLOCK_REALTIME */
};

/* Looks up the sources. */
void csv_bind(struct csv_file *f, const struct view *v);
void csv_header(struct csv_file *f);
void csv_row(struct csv_file *f, const struct view *v, struct view_cursor *c);

/* manifest.json.  0 or negative errno. */
int csv_manifest(struct export_job *job, const struct csv_file *files,
		 unsigned nr);
/* device_spec.txt: collects facts of the rows of stream `system`, then writes the
 * last look, or, without one, what is known of the host. */
struct csv_spec {
	uint64_t round;
	char *text;
	size_t len;
	bool has_round;
};
int csv_spec_row(struct csv_spec *s, const struct view *v,
		 struct view_cursor *c);
int csv_spec_write(struct csv_spec *s, struct export_job *job);

#endif

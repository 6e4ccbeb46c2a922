/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_impl.h - what the files of the view share; nobody else includes it. */
#ifndef DUMP_VIEW_IMPL_H
#define DUMP_VIEW_IMPL_H

#include "dump/view.h"
#include "dump/view_join.h"
#include "dump/view_time.h"

#define VIEW_TEXT_MAX    65536 /* longer text is cut: no recorder writes it */
#define VIEW_STREAMS_MAX 32
#define VIEW_COLUMNS_MAX 1024
#define VIEW_FIELDS_MAX  256 /* of one schema; more are ignored */

/* What a value of a field may be taken from. */
#define SRC_NONE       (-1)
#define SRC_AUX        (-2)
#define SRC_TAIL       (-3)
#define SRC_CPU        (-4)
#define SRC_METRIC     (-5)
#define SRC_VALUE      (-6)
#define SRC_UNIT       (-7)
/* Parts of the tail of a record of state. */
#define SRC_COMM       (-8)
#define SRC_CGROUPPATH (-9)
#define SRC_CMDLINE    (-10)
#define SRC_KEY        (-11)
#define SRC_FACT       (-12)
/* Derived from a number. */
#define SRC_SEVERITY   (-13)
#define SRC_RWBS       (-14)
#define SRC_DIRECT     (-15) /* a bit of CALL */
#define SRC_KIND       (-16) /* what the file is, of its name record */
#define SRC_MARK       (-17) /* what of the row's texts is not whole */
/* Of a histogram. */
#define SRC_OF_STREAM  (-18)
#define SRC_BUCKETS    (-19)
/* Of a sampled value. */
#define SRC_DELTA      (-20)
#define SRC_RATE       (-21)
/* Words of field i: SRC_WORDS - i. */
#define SRC_WORDS      (-1000)

#define VIEW_WORDS_MAX 1024 /* text of a number; longer is cut */
#define VIEW_SHORT_MAX 64

/* First field of each kind: what derivation asks for. */
enum view_role {
	ROLE_CALL,
	ROLE_RET,
	ROLE_BLKERR,
	ROLE_REQ,
	ROLE_PID,
	ROLE_TID,
	ROLE_BORN,
	ROLE_DEV,
	ROLE_FILEDEV,
	ROLE_INO,
	ROLE_PKEY,
	ROLE_HASH,
	ROLE_DIRINO,
	ROLE_DIRDEV,
	ROLE_DIRPKEY,
	ROLE_HASH2,
	ROLE_DIRINO2,
	ROLE_DIRDEV2,
	ROLE_DIRPKEY2,
	ROLE_METRIC,
	ROLE_UID,
	ROLE_CGROUP,
	ROLE_PPID,
	ROLE_FD,
	ROLE_OFFSET,
	ROLE_FLAGS,
	ROLE_CPU,
	ROLE_MOVED,
	ROLE_META,
	ROLE_WEIGHT,
	ROLE_MODE,
	ROLE_DIRECTION,
	ROLE_CACHEKIND,
	ROLE_FAULTKIND,
	ROLE_URINGOP,
	ROLE_DROPKIND,
	ROLE_HISTKEY,
	ROLE_SOCKLEVEL,
	ROLE_SOCKOPT,
	ROLE_VALUELEN,
	ROLE_COMMLEN,
	ROLE_AF,
	ROLE_CGROUPLEN,
	ROLE_END, /* the field `dur`, or `age` */
	ROLES
};

enum view_use {
	USE_NONE = 0, /* cannot be shown */
	USE_ROWS,
	USE_VALUES, /* packed samples: a row for each */
	USE_PACKED, /* packed rows of another type: view_rows.c */
	USE_PATHS,
	USE_STRINGS,
	USE_PROCS,
	USE_METRICS,
};

struct view_layout { /* of one record type of one file */
	const struct fr_schema *schema;
	enum view_use use;
	unsigned stream;
	int role[ROLES]; /* index of a field, or SRC_* */
	const char *op;  /* when no field says it */
	int *map;        /* column -> source, made when all columns are known */
	unsigned nr_map;
	unsigned nr_columns;
	struct {
		unsigned column;
		int src;
	} columns[VIEW_FIELDS_MAX];
};

struct view_file {
	char *path;
	struct snap *snap;
	const char *host, *instance; /* NULL: unknown */
	unsigned source; /* files of one recorder share their names */
	int64_t offset;  /* of the clock */
	struct view_layout *layouts;
	unsigned nr_layouts;
};

struct view_block {
	struct snap_block *b;
	const struct view_layout *layout;
	unsigned file;
	/* USE_VALUES: unpacked */
	uint32_t nr_values;
	uint32_t *parent, *metric;
	int64_t *value;
	uint8_t *marks;       /* of each: enum counter_mark */
	int64_t *growth;      /* since the value before, */
	uint64_t *grew_in_ns; /* in this time; 0: not known */
	uint64_t *lengths[3]; /* view_anonymize.c */
	/* The rows were unpacked, and are not in the file: their memory, and the
	 * place of each in its record. */
	struct made *made;
	const uint32_t *part;
};

struct view_row {
	uint64_t key; /* time to sort by */
	uint32_t block;
	uint32_t row; /* in the block, or in its values */
};

struct view {
	struct view_file *files;
	unsigned nr_files;
	struct view_block *blocks;
	unsigned nr_blocks;
	struct view_row *rows;
	size_t nr_rows, rows_size, nr_duplicates;
	unsigned nr_sources;
	bool one_clock; /* all files are of one boot: sort by its clock */
	char *columns[VIEW_COLUMNS_MAX]; /* behind the fixed ones */
	uint32_t column_streams[VIEW_COLUMNS_MAX];
	unsigned nr_extra;
	char *streams[VIEW_STREAMS_MAX];
	unsigned nr_streams;
	struct join paths, strings, procs, leaders, metrics;
	void **replaced; /* memory of view_anonymize() */
	unsigned nr_replaced;
	struct join inodes; /* paths, for records that do not know which name */
};

struct view_cursor {
	struct view *v;
	const struct view_block *block;
	const struct view_file *file;
	uint32_t row;    /* in the block */
	uint32_t value;  /* in its values */
	uint64_t end_ns; /* end of the operation, for joins */
	bool proc_known;
	const struct join_entry *proc; /* the thread, or another of its process */
	const struct join_entry *thread; /* the thread or the leader */
	struct wall_cache wall;
	char time[48];
	char text[24 * VIEW_WORDS_MAX]; /* made for this row */
	size_t text_used;
	char *path, *path2; /* VIEW_TEXT_MAX each */
};

/* view_layout.c */
int view_layout_init(struct view *v, struct view_layout *l,
		     const struct fr_schema *s);
/* After the last layout: makes l->map.  0 or -ENOMEM. */
int view_layout_map(const struct view *v, struct view_layout *l);
/* -EINVAL: too many. */
int view_intern_stream(struct view *v, const char *name);

/* view_value.c: raw value of a source; false: there is none. */
bool view_raw(const struct view_block *b, int src, uint32_t row, uint64_t *ret);
/* The same; also false for the null of the field. */
bool view_captured(const struct view_block *b, int src, uint32_t row,
		   uint64_t *ret);
bool view_bytes(const struct view_block *b, int src, uint32_t row,
		const char **ret, size_t *ret_len);
void view_cursor_set(struct view_cursor *c, uint32_t block, uint32_t row);
/* End of the operation in row ${row}, ns. */
uint64_t view_end_ns(const struct view_block *b, uint32_t row);

/* view_argument.c: a number of the row; false: not captured. */
bool view_number(struct view_cursor *c, int src, uint64_t *ret);
/* A place in a file, or its length, as a call gives it: may be negative. */
bool view_is_place(struct view_cursor *c, const struct fr_field *f);
/* The system call of the row; NULL: it is none. */
const struct fr_call_name *view_call(struct view_cursor *c);

/* view_words.c: whether a column has a twin, <column>_text. */
bool view_kind_has_words(const char *kind);
/* The words of field ${src}; *ret untouched: there are none. */
void view_words(struct view_cursor *c, int src, struct view_value *ret);
/* The operation of the row, NULL: not known. */
const char *view_op(struct view_cursor *c);
/* A field of kind ADDR, OPTVALUE or STR. */
void view_bytes_text(struct view_cursor *c, int src, struct view_value *ret);
/* SRC_COMM to SRC_FACT */
void view_tail_part(struct view_cursor *c, int part, struct view_value *ret);
char *view_text_room(struct view_cursor *c, size_t size);
void view_set_text(struct view_value *v, const char *text);

/* What is the matter with a text: as in the flags of name records, or its record
 * is gone.  0: it is whole, or there is none. */
#define VIEW_CUT        1u
#define VIEW_UNREADABLE 2u
#define VIEW_GONE       4u
/* view_path.c: of the path that these fields name; of a string. */
unsigned view_path_state(struct view_cursor *c, int dev, int ino, int pkey);
unsigned view_string_state(struct view_cursor *c, int src);
/* view_mark.c: the same of the whole row, in words; NULL: nothing. */
const char *view_row_mark(struct view_cursor *c);
/* view_hist.c: the operation that a histogram is of, NULL: the row is none; and
 * what its columns show. */
const char *view_hist_op(struct view_cursor *c);
void view_hist_get(struct view_cursor *c, int src, struct view_value *ret);

/* view_path.c: text of a path or string for the cursor's row. */
void view_path_get(struct view_cursor *c, bool second, struct view_value *ret);
void view_string_get(struct view_cursor *c, int src, struct view_value *ret);

/* view_names.c */
int view_names_build(struct view *v);
const struct join_entry *view_find_proc(struct view_cursor *c);
/* A field of a process's record by name; false: null. */
bool view_proc_u64(struct view_cursor *c, const char *field, uint64_t *ret);
const struct join_entry *view_find_path(struct view_cursor *c, uint64_t dev,
					uint64_t ino, uint64_t pkey);
/* view_rows.c: unpacks the records of use USE_PACKED among the blocks of ${file},
 * from ${first_block} on, into rows of the window.  0 or -ENOMEM. */
int view_unpack_rows(struct view *v, unsigned file, unsigned first_block,
		     uint64_t begin, uint64_t end);
void view_free_made(struct made *m); /* NULL is a no-op */
/* view_samples.c */
/* After the rows are sorted: how each counter went since the row before.  0 or
 * -ENOMEM. */
int view_find_growth(struct view *v);
void view_get_growth(struct view_cursor *c, struct view_value *ret);
void view_get_rate(struct view_cursor *c, struct view_value *ret);
/* LEB128; false: cut or longer than 64 bits. */
bool view_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret);
/* A field of the record by name; ${otherwise}: there is none. */
uint64_t view_named_field(const struct view_block *b, uint32_t row,
			  const char *name, uint64_t otherwise);
int view_unpack_values(struct view_block *b);
bool view_metric_text(struct view_cursor *c, unsigned part,
		      struct view_value *ret);
uint32_t view_metric_scale(struct view_cursor *c);

#endif

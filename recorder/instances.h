/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instances.h - the files that a path with stars stands for, as they come and go.
 *
 *   /sys/class/infiniband/ * /ports/ * /counters/ *      (without the blanks)
 *
 * A component of the path has at most one star, which stands for at least one byte;
 * names that begin with a dot are left out.  What the stars stood for, with dots
 * between, names the instance.  Descriptors stay open while the process can spare
 * them.  The folders are listed again when a file has vanished, when the kernel has
 * sent uevents (/sys/kernel/uevent_seqnum: something was plugged or pulled), and
 * every INSTANCES_ROUNDS rounds for what sends none.
 */
#ifndef RECORDER_INSTANCES_H
#define RECORDER_INSTANCES_H

#include "recorder/procfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTANCES_MAX      4096  /* files of one path */
#define INSTANCES_LOOK_MAX 65536 /* names looked at in one listing */
#define INSTANCES_OPEN_MAX 512   /* descriptors kept, in the whole process */
#define INSTANCES_ROUNDS   60

struct instance {
	struct procfile file;
	char *name;      /* "mlx5_0.1.port_xmit_data" */
	int64_t kept[3]; /* the collector's own, 0 at first */
	bool began;      /* the collector's own, false at first */
	bool counted;    /* its descriptor is one of INSTANCES_OPEN_MAX */
	bool found;      /* in the listing that is being made */
};

struct instances {
	char *root;
	const char *path;  /* with stars */
	const char *label; /* or NULL */
	size_t max;        /* bytes of a file */
	struct instance *all;
	unsigned nr, size;
	unsigned looked_at; /* names, in this listing */
	unsigned rounds;    /* since the last listing */
	bool stale;         /* a file vanished */
	bool too_many;      /* the last listing was cut at a bound */
	struct procfile seqnum;
	char last_seqnum[32];
};

/*
 * Lists for the first time.  ${label} (or NULL) is a file beside each one found, the
 * first line of which goes before the last star's part of the name: "name" makes
 * hwmon0/temp1_input "0.coretemp.temp1".  ${path} and ${label} must stay.  0 or
 * -ENOMEM; that nothing is there is no error.
 */
int instances_init(struct instances *t, const char *root, const char *path,
		   const char *label, size_t max);

/* Once a round: lists again if that is due.  Only then is memory allocated. */
void instances_refresh(struct instances *t);

/* Reads a file into in->file.buf: 0 or negative errno, as procfile_read(). */
int instances_read(struct instances *t, struct instance *in);

void instances_free(struct instances *t); /* a zeroed struct is a no-op */

#endif

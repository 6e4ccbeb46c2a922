/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/rpcfile.h"

#include "recorder/scan.h"
#include "recorder/shapes.h"

const char rpcfile_proc2[] =
	"null getattr setattr root lookup readlink read wrcache write "
	"create remove rename link symlink mkdir rmdir readdir fsstat";
const char rpcfile_proc3[] =
	"null getattr setattr lookup access readlink read write create "
	"mkdir symlink mknod remove rmdir rename link readdir readdirplus "
	"fsstat fsinfo pathconf commit";

static void rpcfile_numbers(struct sample *s, const struct rpcfile_line *l,
			    struct scan *line)
{
	struct scan names = scan_text(l->names), name, key = scan_text(l->key);
	int64_t v;

	if (l->counted && !scan_number(line, &v)) {
		sample_error(s);
		return;
	}
	while (scan_word(&names, 0, &name) && scan_number(line, &v))
		if (!scan_is(&name, "-"))
			shape_put_joined(s, l->def, &key, &name, v);
	scan_blanks(line);
	/* Names are left, and so is something that is no number. */
	if (names.p != names.end && line->p != line->end)
		sample_error(s);
}

void rpcfile_parse(struct sample *s, const struct rpcfile_line *lines,
		   const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, key;

	while (scan_line(&file, &line)) {
		if (!scan_word(&line, 0, &key)) {
			sample_error(s);
			continue;
		}
		for (const struct rpcfile_line *l = lines; l->key; l++)
			if (scan_is(&key, l->key))
				rpcfile_numbers(s, l, &line);
	}
}

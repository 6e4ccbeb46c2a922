/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/mounts.h"

#include "recorder/metric.h"
#include "recorder/scan.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/* Types whose statvfs(3) answers from memory of this kernel. */
static const char *const mounts_local[] = {
	"ext2",  "ext3",  "ext4",     "xfs",      "btrfs", "f2fs",    "jfs",
	"jffs2", "ubifs", "reiserfs", "nilfs2",   "vfat",  "exfat",   "msdos",
	"ntfs3", "udf",   "zfs",      "bcachefs", "tmpfs", "overlay",
};
/* Always full, or the numbers of another one: only if asked for. */
static const char *const mounts_dull[] = { "squashfs", "iso9660", "erofs",
					   "cramfs",   "udf",     "overlay" };

struct mounts_line {
	struct scan point, type, options, super; /* "rw,noatime" */
	int64_t major, minor;
};

static bool mounts_is_one(const struct scan *type, const char *const *names,
			  size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (scan_is(type, names[i]))
			return true;
	return false;
}

/* "36 35 98:0 /sub /point rw,noatime shared:1 - ext3 /dev/root rw" */
static bool mounts_scan(struct scan *line, struct mounts_line *ret)
{
	struct scan word;
	int64_t ignored;

	*ret = (struct mounts_line){ 0 };
	if (!scan_number(line, &ignored) || !scan_number(line, &ignored) ||
	    !scan_word(line, ':', &word) || !scan_digits(&word, &ret->major) ||
	    word.p != word.end || !scan_char(line, ':') ||
	    !scan_number(line, &ret->minor) || !scan_word(line, 0, &word) ||
	    !scan_word(line, 0, &ret->point) || *ret->point.p != '/')
		return false;
	if (!scan_word(line, 0, &ret->options))
		return false;
	do {
		if (!scan_word(line, 0, &word))
			return false;
	} while (!scan_is(&word, "-"));
	if (!scan_word(line, 0, &ret->type))
		return false;
	/* The name of the source may be empty. */
	while (scan_word(line, 0, &word))
		ret->super = word;
	return ret->super.p != NULL;
}

static bool mounts_readonly(const struct scan *options)
{
	return scan_is(options, "ro") || scan_starts(options, "ro,");
}

static bool mounts_wanted(const struct mounts_line *l, const char *list)
{
	size_t nr = sizeof(mounts_dull) / sizeof(*mounts_dull);

	if (list)
		return metric_wanted(list, l->point.p, scan_len(&l->point));
	if (mounts_is_one(&l->type, mounts_dull, nr))
		return scan_is(&l->type, "overlay") && scan_is(&l->point, "/");
	return mounts_is_one(&l->type, mounts_local,
			     sizeof(mounts_local) / sizeof(*mounts_local));
}

/* "\040" stands for a byte that would end the word. */
static void mounts_decode(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++, to++) {
		*to = *p;
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
				     (p[3] - '0'));
			p += 3;
		}
	}
	*to = 0;
}

static void mount_free(struct mount *m)
{
	free(m->name);
	free(m->point);
}

/* Takes what is hidden by ${l} out.  True: the file system is there already. */
static bool mounts_known(struct mounts *m, const struct mounts_line *l,
			 uint64_t dev)
{
	bool known = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < m->nr; i++) {
		if (scan_is(&l->point, m->all[i].name)) {
			mount_free(&m->all[i]);
			continue;
		}
		known |= m->all[i].dev == dev;
		m->all[kept++] = m->all[i];
	}
	m->nr = kept;
	return known;
}

static int mounts_add(struct mounts *m, const struct mounts_line *l,
		      uint64_t dev)
{
	size_t n = scan_len(&l->point), nr = sizeof(mounts_local);
	struct mount one = { .name = strndup(l->point.p, n),
			     .point = strndup(l->point.p, n),
			     .dev = dev };
	struct mount *all = m->all;

	nr /= sizeof(*mounts_local);
	one.mount_readonly = mounts_readonly(&l->options);
	one.readonly = mounts_readonly(&l->super);
	one.local = mounts_is_one(&l->type, mounts_local, nr) ||
		    mounts_is_one(&l->type, mounts_dull,
				  sizeof(mounts_dull) / sizeof(*mounts_dull));
	if (m->nr == m->size)
		all = realloc(all, (m->size ? m->size * 2 : 16) * sizeof(*all));
	if (!one.name || !one.point || !all) {
		mount_free(&one);
		return -ENOMEM;
	}
	if (m->nr == m->size)
		m->size = m->size ? m->size * 2 : 16;
	mounts_decode(one.point);
	m->all = all;
	m->all[m->nr++] = one;
	return 0;
}

int mounts_parse(struct mounts *m, const char *list, const char *buf,
		 size_t len)
{
	struct scan file = { buf, buf + len }, line;
	struct mounts_line l;
	int r = 0;

	while (r == 0 && scan_line(&file, &line)) {
		uint64_t dev;

		if (!mounts_scan(&line, &l)) {
			m->errors++;
			continue;
		}
		dev = (uint64_t)l.major << 32 | (uint64_t)l.minor;
		if (mounts_known(m, &l, dev) || !mounts_wanted(&l, list))
			continue;
		if (m->nr < MOUNTS_MAX)
			r = mounts_add(m, &l, dev);
		else
			m->errors++;
	}
	return r;
}

void mounts_free(struct mounts *m)
{
	for (unsigned i = 0; i < m->nr; i++)
		mount_free(&m->all[i]);
	free(m->all);
	*m = (struct mounts){ 0 };
}

bool mounts_changed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	return fd < 0 ||
	       (poll(&p, 1, 0) > 0 && (p.revents & (POLLPRI | POLLERR)));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_argument.c - numbers that a program gave to a system call.
 *
 * All bits of them may be set: close(-1), read(fd, buf, SIZE_MAX).  In other
 * fields that means: not captured.
 */
#include <string.h>

#include "dump/view_impl.h"

static bool is_file_call(const struct view_cursor *c)
{
	return !strncmp(c->block->b->schema->name, "fs_", 3);
}

static bool is_path_class(const struct fr_call_info *info)
{
	return info->cls == FR_CLS_PATH || info->cls == FR_CLS_PATH2;
}

/* Descriptors: of a path call it is the folder's, or the new one. */
static bool is_descriptor(const struct view_cursor *c, const char *field,
			  const struct fr_call_info *info)
{
	if (!strcmp(field, "fd2"))
		return info->fd2;
	if (strcmp(field, "fd"))
		return false;
	return info->fd ||
	       (info->dirfd && is_file_call(c) && !(info->props & FR_CP_NEWFD));
}

/* Sizes of 32 bits are those of fs_io, which holds no such size. */
static bool is_size(const struct fr_field *f, const struct fr_call_info *info)
{
	return !strcmp(f->name, "size") && f->width == 8 && info->size &&
	       !(info->props & (FR_CP_IOVEC | FR_CP_LLSEEK));
}

/* Offsets; the length that truncate asks for is in file_size. */
static bool is_place(const struct view_cursor *c, const char *field,
		     const struct fr_call_info *info)
{
	if (!info->offset || !is_file_call(c))
		return false;
	return is_path_class(info) ? !strcmp(field, "file_size") :
				     !strcmp(field, "offset");
}

static bool is_flags(const char *kind)
{
	return !strcmp(kind, "FLAGS") || !strcmp(kind, "MSG") ||
	       !strcmp(kind, "SOCKFLAGS");
}

/* Is that field always captured, as the call has such an argument? */
static bool is_argument(const struct view_cursor *c, const struct fr_field *f,
			const struct fr_call_info *info)
{
	if (is_flags(f->kind))
		return info->flags && !(info->props & FR_CP_OPENHOW);
	return is_descriptor(c, f->name, info) || is_size(f, info) ||
	       (is_place(c, f->name, info) && !(info->props & FR_CP_FPOS_M1));
}

bool view_is_place(struct view_cursor *c, const struct fr_field *f)
{
	const struct fr_call_name *call;

	if (!strcmp(f->kind, "OFFSET"))
		return is_file_call(c);
	call = strcmp(f->kind, "BYTES") ? NULL : view_call(c);
	return call && is_place(c, f->name, &call->info);
}

/* Of flags that are an int the kernel takes 32 bits, whatever is above them.
 * Those of mmap and its kin are a long, or hold two arguments. */
static void cut_flags(struct view_cursor *c, const struct fr_field *f,
		      uint64_t *ret)
{
	const struct fr_call_name *call;

	if (!(*ret >> 32) || !is_flags(f->kind))
		return;
	call = view_call(c);
	if (call && call->info.flags && !call->info.addr &&
	    !(call->info.props & FR_CP_OPENHOW))
		*ret = (uint32_t)*ret;
}

bool view_number(struct view_cursor *c, int src, uint64_t *ret)
{
	const struct fr_field *f;
	const struct fr_call_name *call;

	if (src < 0)
		return view_captured(c->block, src, c->row, ret);
	f = &c->block->b->schema->fields[src];
	if (view_captured(c->block, src, c->row, ret)) {
		cut_flags(c, f, ret);
		return true;
	}
	call = view_call(c);
	if (!call || !is_argument(c, f, &call->info) ||
	    !view_raw(c->block, src, c->row, ret))
		return false;
	cut_flags(c, f, ret);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.h - what calls.def says of a system call, for bpf/ and user space. */
#ifndef FLIGHTREC_CALLS_H
#define FLIGHTREC_CALLS_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

enum fr_call_class {
	FR_CLS_NONE = 0, /* not recorded */
	FR_CLS_IO,       /* fs_io, or fs_wide when a value does not fit */
	FR_CLS_WIDE,     /* always fs_wide */
	FR_CLS_PATH,     /* fs_path */
	FR_CLS_PATH2,    /* fs_path2 */
/* Calls of other streams, FR_CLS_NET, ...: bpf/sys_<stream>.bpf.h records them. */
#define FR_CLS_STREAM 16
#define FR_STREAM(id, number, name, lane, profile, doc) \
	FR_CLS_##id = FR_CLS_STREAM + (number),
#include "streams.def"
#undef FR_STREAM
};

/* FR_ID_read, ...: the ids of calls.def. */
enum fr_call_id {
#define FR_CALL(id, name, op, ...)   FR_ID_##name = id,
#define FR_CALL32(id, name, op, ...) FR_ID_##name = id,
#include "calls.def"
#undef FR_CALL
#undef FR_CALL32
};

/* props */
#define FR_CP_MOVES     0x0001 /* a result >= 0 is a number of bytes moved */
#define FR_CP_FPOS      0x0002 /* the offset is the file position at entry */
#define FR_CP_IOVEC     0x0004 /* size is the number of iovecs in argument 2 */
#define FR_CP_FSIZE     0x0008 /* offset shows the file's size */
#define FR_CP_NEWFD     0x0010 /* the result is a new descriptor */
#define FR_CP_RENAMES   0x0020 /* success changes names of existing files */
#define FR_CP_TEXT1     0x0040 /* the first path is text, relative to nothing */
#define FR_CP_SPLIT32   0x0080 /* 32-bit: 64-bit offset in two arguments */
#define FR_CP_PAGEOFF   0x0100 /* offset counts pages */
#define FR_CP_PAGEOFF32 0x0200 /* 32-bit: arguments in a struct in memory */
#define FR_CP_LLSEEK    0x0400 /* offset in two arguments, high first */
#define FR_CP_OPENHOW   0x0800 /* flags points to a struct open_how */
#define FR_CP_CREAT     0x1000 /* flags are those of creat */
#define FR_CP_FPOS_M1   0x2000 /* offset -1 means the file position */
#define FR_CP_SIZE64    0x4000 /* 32-bit: the size, too, in two arguments */
#define FR_CP_APPENDS   0x8000 /* O_APPEND: the offset is the size at entry */
#define FR_CP_NULLPATH  0x10000 /* no path: the descriptor's file itself */

#define FR_CALLS_MAX 256

struct fr_call_info {
	__u8 cls;
	__u8 fd, fd2, dirfd, path, dirfd2, path2;
	__u8 size, offset, flags, mode, addr;
	__u32 props;
};

#endif

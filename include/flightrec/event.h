/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - record layouts, expanded from events.def for bpf/ and user space.
 *
 * struct fr_<name> is the logical record: the first slot and the payload of its
 * continuation slots (ring.h).  A tail follows the struct directly.
 */
#ifndef FLIGHTREC_EVENT_H
#define FLIGHTREC_EVENT_H

#include "ring.h"

/* clang-format off */
enum fr_type {
	FR_T_NONE = 0,
#define FR_EVENT(n, id, stream, doc)      FR_T_##n = id,
#define FR_AUX(f, kind, doc)
#define FR_FIELD(t, f, kind, unit, doc)
#define FR_CHARS(len, f, doc)
#define FR_BYTES(len, f, kind, doc)
#define FR_TAIL(lf, f, kind, doc)
#define FR_END(n)
#include "events.def"
#include "undef.h"
};

#define FR_EVENT(n, id, stream, doc)      struct fr_##n { __u64 head; __u64 ts;
#define FR_AUX(f, kind, doc)
#define FR_FIELD(t, f, kind, unit, doc)   t f;
#define FR_CHARS(l, f, doc)               char f[l];
#define FR_BYTES(l, f, kind, doc)         __u8 f[l];
#define FR_TAIL(lf, f, kind, doc)
#define FR_END(n)                         } __attribute__((packed, aligned(8)));
#include "events.def"
#include "undef.h"

/* No holes, so nothing uninitialised leaves the kernel; 8-byte steps. */
#define FR_EVENT(n, id, stream, doc) \
	_Static_assert(sizeof(struct fr_##n) == 16
#define FR_AUX(f, kind, doc)
#define FR_FIELD(t, f, kind, unit, doc)   + sizeof(t)
#define FR_CHARS(l, f, doc)               + (l)
#define FR_BYTES(l, f, kind, doc)         + (l)
#define FR_TAIL(lf, f, kind, doc)
#define FR_END(n)                         , #n " has a hole or is not 8-byte sized");
#include "events.def"
#include "undef.h"
/* clang-format on */

_Static_assert(sizeof(struct fr_fs_io) == FR_SLOT_BYTES, "fs_io is one slot");

/* aux of records with a system call, beside the call's id in the low bits */
#define FR_CALL_ID(aux)        ((aux)&0xff)
#define FR_CALL_COMPAT         0x8000 /* made by a 32-bit program */
#define FR_CALL_DIRECT         0x4000 /* of a file open with O_DIRECT */
#define FR_CALL_WEIGHT(aux)    (1U << (((aux) >> 8) & 15)) /* stands for so many */
#define FR_CALL_WEIGHT_LOG2(n) (((n)&15) << 8)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number_names.h - words for numbers that the kernel and the recorder use.
 *
 * Numeric columns keep the numbers; words are in text columns beside them
 * (errno, flags_text, ...) and in tables for people.
 */
#ifndef DUMP_NUMBER_NAMES_H
#define DUMP_NUMBER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "ENOENT", and "ERESTARTSYS" for those that programs never see; NULL: none. */
const char *number_errno(int err);
/* The word of a meta record's `what`; NULL: none. */
const char *number_meta(uint64_t what);
/* Flags of a system call made on ${arch} (as uname says; NULL: not known):
 * "O_WRONLY|O_CREAT|UNKNOWN(0x8000000)".  false: this call's flags have no
 * words here; buf is untouched. */
bool number_flags(char *buf, size_t size, const char *call, const char *arch,
		  uint64_t flags);
/* The mode of a path call: "0644", "S_IFIFO|0600", for access "R_OK|W_OK". */
void number_mode(char *buf, size_t size, const char *call, uint64_t mode);
/* A wait status: "exit 1", "SIGKILL", "SIGSEGV, core". */
void number_wait_status(char *buf, size_t size, uint64_t status);

/* ---- block requests ---------------------------------------------------------- */
/* "read", "zone_append", "REQ_OP(99)" in buf of 24 bytes: the result points to
 * it or to a constant. */
const char *number_req_op(char *buf, uint64_t cmd_flags);
/* As the block tracepoints print it: "WSM". */
void number_rwbs(char *buf, size_t size, uint64_t cmd_flags);

/* ---- sockets -------------------------------------------------------------------- */
/* "SO_REUSEADDR", "TCP(99)", "OPT(77,1)". */
void number_sockopt(char *buf, size_t size, bool get, int level, int option);
/* The value of an option, from its first bytes: "1", "{l_onoff=1, l_linger=5}",
 * "cubic", or "0x" and the bytes. */
void number_sockopt_value(char *buf, size_t size, int level, int option,
			  const void *value, size_t len);
/* "192.0.2.1", "2001:db8::1" for 16 bytes. */
void number_address(char *buf, size_t size, const void *address);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number_names.h - words for numbers that the kernel and the recorder use.
 *
 * Text for people only: CSV and JSON keep the numbers, but for errno, whose
 * column holds names.  What is not known stays a number.
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
/* Flags of a system call: "O_WRONLY|O_CREAT|0x8000000".  false: this call's
 * flags have no words here; buf is untouched.  Values are those of the machine
 * that runs this: the caller checks that it is of the recorded kind. */
bool number_flags(char *buf, size_t size, const char *call, uint64_t flags);
/* A wait status: "exit 1", "SIGKILL", "SIGSEGV, core". */
void number_wait_status(char *buf, size_t size, uint64_t status);

#endif

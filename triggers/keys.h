/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.h - the operations that rules name, as keys of shared.h:
 *
 *   fs.fsync  fs.pread64  fs.*  net.send  conn.connect  block.write  block
 *   uring  fault
 */
#ifndef TRIGGERS_KEYS_H
#define TRIGGERS_KEYS_H

#include "triggers/lex.h"

/* Is the present word the name of operations? */
bool keys_begin(const struct lex *l);
/* Takes it: fills keys and streams; 0 or lex_fail(). */
int keys_parse(struct lex *l, struct rule_cond *ret);
/* Adds to ${keys} those of operation or call ${name} ("*": all) of the streams of
 * the condition; false: there is none. */
bool keys_find(uint32_t streams, const char *name, uint64_t keys[FR_KEYS / 64]);
/* The nearest name that those streams have, NULL if none is near. */
const char *keys_nearest(uint32_t streams, const char *name);
/* "fsync", "block write", "io_uring request"; never NULL. */
const char *keys_name(uint32_t key);

#endif

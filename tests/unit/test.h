/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test.h - cmocka and the headers that must come before it. */
#ifndef TEST_H
#define TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif

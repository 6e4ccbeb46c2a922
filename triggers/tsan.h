/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsan.h - tells ThreadSanitizer of order that liburcu makes: its atomics are
 * assembly, which the sanitizer does not see.  Nothing in other builds.
 */
#ifndef TRIGGERS_TSAN_H
#define TRIGGERS_TSAN_H

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(addr) __tsan_acquire(addr)
#define tsan_release(addr) __tsan_release(addr)
#else
#define tsan_acquire(addr) ((void)(addr))
#define tsan_release(addr) ((void)(addr))
#endif

#endif

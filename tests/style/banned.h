/* SPDX-License-Identifier: GPL-2.0-or-later */
/* banned.h - included before everything: functions that have no safe use. */
#ifndef BANNED_H
#define BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef alloca
#pragma GCC poison strcpy strcat strtok gets alloca atoi atol sprintf vsprintf \
	localtime gmtime
#endif

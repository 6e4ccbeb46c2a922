/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_internal.h - shared by recorder/config*.c and nobody else. */
#ifndef RECORDER_CONFIG_INTERNAL_H
#define RECORDER_CONFIG_INTERNAL_H

#include "recorder/config.h"
#include "triggers/rule.h"

#define CONFIG_TEXT_MAX 4096 /* bytes of a TEXT or LIST */

/* Writes *diag; returns -EINVAL. */
int config_fail(struct rule_diag *diag, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Are the words of a TEXT or LIST among those that its setting knows?  0 or
 * -EINVAL with *diag. */
int config_check_text(const struct config_param *p, const char *value,
		      struct rule_diag *diag);
int config_check_collectors(const char *list, struct rule_diag *diag);

#endif

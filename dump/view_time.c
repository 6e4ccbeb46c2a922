/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_time.c - times as people write and read them. */
#include "dump/view_time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "triggers/units.h"

#define NSEC 1000000000LL

/* Floor, also for times before 1970. */
static int64_t seconds_of(int64_t ns)
{
	return ns / NSEC - (ns % NSEC < 0);
}

/* ".25" -> 250000000; advances *p over the digits. */
static int64_t parse_fraction(const char **p)
{
	int64_t ns = 0, unit = NSEC / 10;

	if (**p != '.' && **p != ',')
		return 0;
	for (++*p; **p >= '0' && **p <= '9'; ++*p, unit /= 10)
		ns += (**p - '0') * unit;
	return ns;
}

static int parse_epoch(const char *p, struct view_time *ret)
{
	int64_t seconds = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = 10 * seconds + (*p - '0');
		if (seconds >= INT64_MAX / NSEC)
			return -EINVAL;
	}
	ret->ns = seconds * NSEC + parse_fraction(&p);
	ret->form = TIME_WALL;
	return *p ? -EINVAL : 0;
}

static int parse_relative(const char *p, struct view_time *ret)
{
	uint64_t ns;

	if (units_parse_time(p + 1, &ns) || ns > INT64_MAX / 2)
		return -EINVAL;
	ret->ns = *p == '-' ? -(int64_t)ns : (int64_t)ns;
	ret->form = TIME_RELATIVE;
	return 0;
}

/* Two digits and what must be behind them. */
static int parse_two(const char **p, int *ret)
{
	const char *s = *p;

	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -EINVAL;
	*ret = 10 * (s[0] - '0') + (s[1] - '0');
	*p += 2;
	return 0;
}

static int parse_date(const char **p, struct tm *tm)
{
	int century, year;

	if (parse_two(p, &century) || parse_two(p, &year) || *(*p)++ != '-' ||
	    parse_two(p, &tm->tm_mon) || *(*p)++ != '-' ||
	    parse_two(p, &tm->tm_mday))
		return -EINVAL;
	tm->tm_year = 100 * century + year - 1900;
	tm->tm_mon--;
	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 ||
	    tm->tm_mday > 31)
		return -EINVAL;
	return 0;
}

static int parse_clock(const char **p, struct tm *tm, int64_t *ret_fraction)
{
	if (parse_two(p, &tm->tm_hour) || *(*p)++ != ':' ||
	    parse_two(p, &tm->tm_min))
		return -EINVAL;
	if (**p == ':') {
		++*p;
		if (parse_two(p, &tm->tm_sec))
			return -EINVAL;
		*ret_fraction = parse_fraction(p);
	}
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return -EINVAL;
	return 0;
}

/* "Z", "+01:00", "+0100" or nothing: local time. */
static int parse_zone(const char *p, struct tm *tm, int64_t *ret_seconds)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	if (!*p) {
		tm->tm_isdst = -1;
		*ret_seconds = mktime(tm);
		return 0;
	}
	if (*p == 'Z' && !p[1]) {
		*ret_seconds = timegm(tm);
		return 0;
	}
	if (*p != '+' && *p != '-')
		return -EINVAL;
	p++;
	if (parse_two(&p, &hours))
		return -EINVAL;
	if (*p == ':')
		p++;
	if (parse_two(&p, &minutes) || *p)
		return -EINVAL;
	*ret_seconds = timegm(tm) - sign * (60 * hours + minutes) * 60;
	return 0;
}

int view_time_parse(const char *text, int64_t now_ns, struct view_time *ret)
{
	const char *p = text;
	struct view_time made = { .form = TIME_WALL };
	time_t now = (time_t)seconds_of(now_ns);
	int64_t seconds, fraction = 0;
	struct tm tm;
	int r = 0;

	if (*p == '@')
		r = parse_epoch(p + 1, &made);
	else if (*p == '-' || *p == '+')
		r = parse_relative(p, &made);
	if (r)
		return r;
	if (*p == '@' || *p == '-' || *p == '+') {
		*ret = made;
		return 0;
	}
	localtime_r(&now, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	if (strlen(p) >= 10 && p[4] == '-') {
		if (parse_date(&p, &tm))
			return -EINVAL;
		if (*p && *p != 'T' && *p != ' ' && *p != 'Z')
			return -EINVAL;
		p += *p == 'T' || *p == ' ';
		if (!*p && p[-1] == 'T')
			return -EINVAL;
	} else if (!*p) {
		return -EINVAL;
	}
	if (*p && *p != 'Z' && parse_clock(&p, &tm, &fraction))
		return -EINVAL;
	if (parse_zone(p, &tm, &seconds))
		return -EINVAL;
	made.ns = seconds * NSEC + fraction;
	*ret = made;
	return 0;
}

static void cache_second(struct wall_cache *cache, int64_t second)
{
	time_t t = (time_t)second;
	struct tm tm = { 0 };
	char zone[8] = "";

	localtime_r(&t, &tm);
	cache->second = second;
	if (!strftime(cache->date, sizeof(cache->date), "%Y-%m-%dT%H:%M:%S",
		      &tm))
		snprintf(cache->date, sizeof(cache->date), "?");
	strftime(zone, sizeof(zone), "%z", &tm);
	if (strlen(zone) == 5)
		snprintf(cache->zone, sizeof(cache->zone), "%.3s:%.2s", zone,
			 zone + 3);
	else
		cache->zone[0] = 0;
}

size_t wall_format(struct wall_cache *cache, int64_t real_ns, char *buf)
{
	int64_t second = seconds_of(real_ns);
	uint32_t ns = (uint32_t)(real_ns - second * NSEC);
	size_t date, zone;

	if (cache->second != second || !cache->date[0])
		cache_second(cache, second);
	date = strlen(cache->date);
	zone = strlen(cache->zone);
	memcpy(buf, cache->date, date);
	buf[date] = '.';
	for (int i = 9; i > 0; i--, ns /= 10)
		buf[date + (size_t)i] = (char)('0' + ns % 10);
	memcpy(buf + date + 10, cache->zone, zone + 1);
	return date + 10 + zone;
}

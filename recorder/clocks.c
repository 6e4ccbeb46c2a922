/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clocks.c - notices when the other clocks move. */
#include "recorder/clocks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TRIES 5

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Of a few tries the one that took least time: in between another task may run. */
static int64_t offset_of(clockid_t id)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < TRIES; i++) {
		int64_t a = clock_ns(CLOCK_MONOTONIC);
		int64_t other = clock_ns(id);
		int64_t took = clock_ns(CLOCK_MONOTONIC) - a;

		if (took < best) {
			best = took;
			offset = other - (a + took / 2);
		}
	}
	return offset;
}

void clocks_read(int64_t *ret_real_ns, int64_t *ret_boot_ns)
{
	*ret_real_ns = offset_of(CLOCK_REALTIME);
	*ret_boot_ns = offset_of(CLOCK_BOOTTIME);
}

static bool differs(int64_t a, int64_t b)
{
	return (uint64_t)llabs(a - b) > CLOCKS_STEP_NS;
}

bool clocks_note(struct clocks *c, uint64_t now_ns, int64_t real_ns,
		 int64_t boot_ns)
{
	if (c->said_ns && now_ns - c->said_ns < CLOCKS_AGAIN_NS &&
	    !differs(real_ns, c->real_ns) && !differs(boot_ns, c->boot_ns))
		return false;
	c->said_ns = now_ns;
	c->real_ns = real_ns;
	c->boot_ns = boot_ns;
	return true;
}

int clocks_open(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	clocks_arm(fd);
	return fd;
}

void clocks_arm(int fd)
{
	/* Never due; what ends the wait is that the clock was set. */
	const struct itimerspec it = { .it_value.tv_sec = INT32_MAX };
	uint64_t ticks;

	(void)!read(fd, &ticks, sizeof(ticks));
	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &it,
			NULL);
}

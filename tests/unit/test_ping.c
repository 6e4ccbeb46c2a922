/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ping.c - hosts that answer, that do not, that are not to be reached, in a
 * network of our own; ip(8) sets it up, the kernel's own counters are the witness. */
#include "tests/unit/collector_rig.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>

static struct rig rig;
static bool have_net;

static int private_net(void **state)
{
	(void)state;
	have_net = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
		   system("ip link set lo up && "
			  "ip link add d0 type veth peer name d1 && "
			  "ip link set d0 up && ip link set d1 up && "
			  "ip addr add 198.51.100.1/24 dev d0 && "
			  "ip route add 192.0.2.0/24 dev d0 && "
			  "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev "
			  "d0") == 0;
	if (!have_net)
		print_message("skip: this needs root and ip(8)\n");
	return 0;
}

static int64_t value(const char *name)
{
	int64_t v;

	return rig_get(&rig, name, &v) ? v : -9;
}

static int64_t awaited(const char *name, int64_t wanted)
{
	for (unsigned i = 0; i < 10000 && value(name) != wanted; i++) {
		rig_round(&rig);
		poll(NULL, 0, 1);
	}
	return value(name);
}

/* What the kernel counts: InEchos, InEchoReps. */
static unsigned long icmp_count(const char *what)
{
	char name[2][2048], text[2][2048] = { "" }, *a, *b, *x, *y;
	unsigned long n = 0;
	FILE *f = fopen("/proc/thread-self/net/snmp", "r");

	while (fgets(name[0], sizeof(name[0]), f) &&
	       fgets(text[0], sizeof(text[0]), f)) {
		if (strncmp(name[0], "Icmp: ", 6))
			continue;
		for (a = strtok_r(name[0], " \n", &x),
		    b = strtok_r(text[0], " \n", &y);
		     a && b; a = strtok_r(NULL, " \n", &x),
		    b = strtok_r(NULL, " \n", &y))
			if (!strcmp(a, what))
				n = strtoul(b, NULL, 10);
	}
	fclose(f);
	return n;
}

/* Sockets that the kernel lists in a file of /proc/net, without its first line. */
static unsigned sockets(const char *file)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n ? n - 1 : 0;
}

static void answers_of_both_families(bool raw)
{
	unsigned long before;

	before = icmp_count("InEchos");
	rig_open(&rig, "", "ping", "127.0.0.1 six=::1");
	rig_round(&rig);
	assert_int_equal(sockets("raw"), raw);
	assert_int_equal(sockets("raw6"), raw);
	assert_int_equal(sockets("icmp"), !raw);
	assert_int_equal(sockets("icmp6"), !raw);
	assert_int_equal(value("ping.127.0.0.1.sent"), 1);
	assert_int_equal(value("ping.127.0.0.1.up"), -9); /* not known yet */
	assert_int_equal(awaited("ping.127.0.0.1.up", 1), 1);
	assert_int_equal(awaited("ping.six.up", 1), 1);
	assert_true(value("ping.127.0.0.1.rtt_ns") > 0);
	assert_true(value("ping.127.0.0.1.rtt_ns") < 1000000000);
	assert_true(value("ping.six.rtt_ns") > 0);
	for (unsigned i = 0; i < 20; i++)
		rig_round(&rig);
	/* Each that was sent was asked, and none was lost. */
	assert_int_equal(value("ping.127.0.0.1.sent"),
			 icmp_count("InEchos") - before);
	assert_true(value("ping.127.0.0.1.sent") >= 20);
	assert_int_equal(value("ping.127.0.0.1.lost"), 0);
	assert_int_equal(value("ping.six.lost"), 0);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

static void raw_sockets(void **state)
{
	(void)state;
	if (!have_net)
		skip();
	answers_of_both_families(true);
}

/* Where the system lets everyone ask. */
static void datagram_sockets(void **state)
{
	static const char path[] = "/proc/sys/net/ipv4/ping_group_range";

	(void)state;
	if (!have_net)
		skip();
	if (system("echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"))
		fail_msg("cannot write %s", path);
	answers_of_both_families(false);
	assert_int_equal(
		system("echo 1 0 >/proc/sys/net/ipv4/ping_group_range"), 0);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The time is that of the answer, not that of our reading it a while later. */
static void the_kernel_stamps(void **state)
{
	unsigned long before;
	int64_t began_ns, came_ns;

	(void)state;
	if (!have_net)
		skip();
	rig_open(&rig, "", "ping", "127.0.0.1");
	before = icmp_count("InEchoReps");
	began_ns = now_ns();
	rig_round(&rig);
	while (icmp_count("InEchoReps") == before)
		sched_yield();
	came_ns = now_ns();
	while (now_ns() < came_ns + 2 * (came_ns - began_ns) + 10000000)
		sched_yield();
	rig_round(&rig);
	assert_int_equal(value("ping.127.0.0.1.up"), 1);
	assert_true(value("ping.127.0.0.1.rtt_ns") <= came_ns - began_ns);
	rig_close(&rig);
}

/* The link takes what is sent and says nothing; then a host that cannot be reached,
 * and one that is down only now. */
static void dead_hosts(void **state)
{
	(void)state;
	if (!have_net)
		skip();
	rig_open(&rig, "", "ping", "192.0.2.1 203.0.113.1 127.0.0.2");
	rig_round(&rig);
	assert_int_equal(value("ping.203.0.113.1.up"), 0); /* no route */
	assert_int_equal(value("ping.203.0.113.1.lost"), 1);
	assert_int_equal(value("ping.192.0.2.1.lost"), 0);
	assert_int_equal(awaited("ping.127.0.0.2.up", 1), 1);
	assert_int_equal(awaited("ping.192.0.2.1.up", 0), 0);
	assert_int_equal(value("ping.192.0.2.1.lost"), 1);
	assert_int_equal(value("ping.192.0.2.1.rtt_ns"), -9);
	assert_int_equal(
		system("ip route add blackhole 127.0.0.2 table local && "
		       "ip route del local 127.0.0.0/8 dev lo table local"),
		0);
	assert_int_equal(awaited("ping.127.0.0.2.up", 0), 0);
	assert_int_equal(value("ping.127.0.0.2.rtt_ns"), -9);
	assert_int_equal(
		system("ip route add local 127.0.0.0/8 dev lo table local && "
		       "ip route del blackhole 127.0.0.2 table local"),
		0);
	assert_int_equal(awaited("ping.127.0.0.2.up", 1), 1);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

/* Raw sockets hear all answers: that to another's question, of the same number and to
 * the same address, is none to ours. */
static void answers_to_others(void **state)
{
	struct rig ours;

	(void)state;
	if (!have_net)
		skip();
	rig_open(&ours, "", "ping", "192.0.2.1");
	rig_round(&ours);
	assert_int_equal(system("ip addr add 192.0.2.1/32 dev lo"), 0);
	rig_open(&rig, "", "ping", "192.0.2.1");
	assert_int_equal(awaited("ping.192.0.2.1.up", 1), 1);
	rig_close(&rig);
	rig = ours;
	rig_round(&rig);
	assert_int_not_equal(value("ping.192.0.2.1.up"), 1);
	rig_close(&rig);
	assert_int_equal(system("ip addr del 192.0.2.1/32 dev lo"), 0);
}

static void lists(void **state)
{
	const struct collector_ops *ops = collector_find("ping");
	static const char *const bad[] = { NULL,         "localhost",
					   "a=",         "=127.0.0.1",
					   "1.2.3.4.5",  "127.0.0.1 127.0.0.1",
					   "a=::1 a=::2" };
	char what[256], many[2048] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(ops->check("127.0.0.1, a=::1 fe80::1%lo", what,
				    sizeof(what)),
			 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		what[0] = 0;
		assert_int_equal(ops->check(bad[i], what, sizeof(what)),
				 -EINVAL);
		assert_true(what[0]);
	}
	for (unsigned i = 0; i < 65; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "10.0.0.%u ",
				      i);
	assert_int_equal(ops->check(many, what, sizeof(what)), -EINVAL);
	assert_non_null(strstr(what, "64 hosts"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_sockets),
		cmocka_unit_test(datagram_sockets),
		cmocka_unit_test(the_kernel_stamps),
		cmocka_unit_test(dead_hosts),
		cmocka_unit_test(answers_to_others),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, private_net, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_doctor.c - flightrec doctor: what is recorded here, and what not and why. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/escape.h"
#include "dump/folder.h"
#include "dump/recorder_exec.h"

#define PATIENCE_S 20

extern const struct command_ops cmd_doctor;

static const struct option options[] = {
	{ "run-folder", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Is there a recorder that would answer us? */
static bool is_running(const char *folder)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool up;

	if (fd < 0)
		return false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", folder);
	up = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	close(fd);
	return up;
}

static const char *value_of(const struct client_reply *r, const char *prefix,
			    size_t len, const char *key)
{
	char full[256];
	const char *v;

	snprintf(full, sizeof(full), "%.*s%s", (int)len, prefix, key);
	v = client_value(r, full);
	return v ? v : "";
}

static unsigned long long number_of(const struct client_reply *r,
				    const char *prefix, size_t len,
				    const char *key)
{
	return strtoull(value_of(r, prefix, len, key), NULL, 10);
}

/* What it cost so far: the kernel measures a part of the runs only. */
static void format_cost(const struct client_reply *r, const char *p, size_t n,
			char buf[48])
{
	unsigned long long hits = number_of(r, p, n, "hits");
	unsigned long long count = number_of(r, p, n, "run_count");
	double ns =
		count ? (double)number_of(r, p, n, "run_ns") / (double)count :
			0;
	const char *up = client_value(r, "uptime_s");
	double uptime_s = up ? strtod(up, NULL) : 0;

	if (count && uptime_s > 0)
		snprintf(buf, 48, "%7.0f %7.3f%%", ns,
			 100 * ns * (double)hits / (uptime_s * 1e9));
	else
		snprintf(buf, 48, "%7s %8s", "-", "-");
}

/* ${p}: "probe.fs.enter.", ${n} bytes of it. */
static bool print_probe(const struct client_reply *r, const char *p, size_t n)
{
	static const char *const counts[] = { "hits",      "records",
					      "pending",   "filtered",
					      "unmatched", "lost",
					      "misses" };
	bool on = !strcmp(value_of(r, p, n, "attached"), "yes");
	char cost[48];

	printf("%-8s %-11s ", value_of(r, p, n, "stream"),
	       value_of(r, p, n, "name"));
	if (!on) {
		printf("off: %s\n", value_of(r, p, n, "why"));
		return false;
	}
	format_cost(r, p, n, cost);
	printf("%-10s", value_of(r, p, n, "mechanism"));
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf(" %9llu", number_of(r, p, n, counts[i]));
	printf(" %s\n", cost);
	return true;
}

static void print_probe_heads(void)
{
	printf("%-8s %-11s %-10s %9s %9s %9s %9s %9s %9s %9s %7s %8s\n",
	       "stream", "probe", "mechanism", "hits", "records", "pending",
	       "filtered", "unmatched", "lost", "missed", "ns each",
	       "of a CPU");
}

static int show_running(const char *folder)
{
	struct client_reply r;
	unsigned on = 0, off = 0;
	int code = client_ask(folder, "status\n", PATIENCE_S, &r);

	if (code != EXIT_OK)
		return code;
	for (unsigned i = 0; i < r.nr; i++)
		escape_undo_percent(r.pairs[i].value);
	printf("a recorder runs here, pid %s, version %s\n",
	       client_value(&r, "pid"), client_value(&r, "version"));
	if (client_value(&r, "probes.why"))
		printf("no kernel probes: %s\n",
		       client_value(&r, "probes.why"));
	print_probe_heads();
	for (unsigned i = 0; i < r.nr; i++) {
		const char *key = r.pairs[i].key;
		size_t len = strlen(key);

		if (strncmp(key, "probe.", 6) || len < 9 ||
		    strcmp(key + len - 9, ".attached"))
			continue;
		if (print_probe(&r, key, len - 8))
			on++;
		else
			off++;
	}
	printf("%u probes attached, %u off\n", on, off);
	client_free(&r);
	return on ? EXIT_OK : EXIT_INCOMPLETE;
}

static int run(int argc, char **argv)
{
	static char program[] = "flightrecd", doctor[] = "--doctor";
	char *const args[] = { program, doctor, NULL };
	const char *folder = folder_default_run();
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'R') {
			folder = optarg;
		} else if (opt == 'h') {
			command_print_help(&cmd_doctor);
			return EXIT_OK;
		} else {
			return command_bad_option(&cmd_doctor, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return command_bad_usage(&cmd_doctor, "'%s' is too much",
					 argv[optind]);
	if (is_running(folder))
		return show_running(folder);
	return recorder_exec(args);
}

const struct command_ops cmd_doctor = {
	.name = "doctor",
	.summary =
		"Says what can be recorded on this machine, and what not and why.",
	.usage = "[--run-folder DIR]",
	.help = "With a recorder running: its probes, which way each is attached or why not,\n"
		"their balance (hits = records + pending + filtered + unmatched + lost; missed:\n"
		"never delivered by the kernel), and what they cost.  Else tries every probe of\n"
		"every stream, without starting a recorder; that needs root.  Also says what\n"
		"somebody who is not root would need.\n\n"
		"OPTIONS\n"
		"  --run-folder DIR    where the recorder's socket is (/run/flightrec)\n\n"
		"EXIT STATUS\n"
		"  0 probes can be had   4 none can   6 no permission to try\n\n"
		"EXAMPLES\n"
		"  flightrec doctor\n"
		"  sudo flightrec doctor | grep off\n",
	.run = run,
};

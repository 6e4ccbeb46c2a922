/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_loadsensor.c - flightrec loadsensor: counters for GridEngine.
 *
 * Its protocol: the execution daemon writes a line whenever it wants values, and
 * `quit` (or closes the pipe) to end.  The answer is `begin`, lines
 * host:name:value, `end`.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dump/live.h"

extern const struct command_ops cmd_loadsensor;

#define LINE_MAX_BYTES 256

static const struct option options[] = {
	{ "collectors", required_argument, NULL, 'C' },
	{ "host", required_argument, NULL, 'H' },
	{ "rates", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* The rest of a longer line is passed over.  False: the end. */
static bool read_line(char line[LINE_MAX_BYTES])
{
	int c;

	if (!fgets(line, LINE_MAX_BYTES, stdin))
		return false;
	if (!strchr(line, '\n'))
		while ((c = getchar()) != '\n' && c != EOF)
			;
	return true;
}

static int answer(const struct live *l, const char *host, bool rates)
{
	char text[LIVE_TEXT];

	puts("begin");
	for (unsigned n = 0; n < live_count(l); n++) {
		const struct live_metric *m = live_nth(l, n);

		if (*(rates ? live_rate_text(m, text) : live_text(m, text)))
			printf("%s:%s:%s\n", host, m->name, text);
	}
	puts("end");
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_OK;
	fprintf(stderr, "flightrec loadsensor: cannot write: %s\n",
		strerror(errno));
	return EXIT_FAILED;
}

static int serve(struct live *l, const char *host, bool rates)
{
	char line[LINE_MAX_BYTES];
	int code = EXIT_OK;

	while (!code && read_line(line)) {
		if (!strncmp(line, "quit", 4))
			break;
		live_round(l);
		code = answer(l, host, rates);
	}
	return code;
}

static int run(int argc, char **argv)
{
	struct live_options o = { .period_ns = 1000000000ULL };
	char host[256] = "";
	struct live *l = NULL;
	bool rates = false;
	int opt, code;

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	while ((opt = getopt_long(argc, argv, "C:H:rh", options, NULL)) != -1) {
		switch (opt) {
		case 'C':
			o.collectors = optarg;
			break;
		case 'H':
			snprintf(host, sizeof(host), "%s", optarg);
			break;
		case 'r':
			rates = true;
			break;
		case 'h':
			command_print_help(&cmd_loadsensor);
			return EXIT_OK;
		default:
			return command_bad_option(&cmd_loadsensor, opt, argv,
						  options);
		}
	}
	if (optind == argc)
		return command_bad_usage(&cmd_loadsensor,
					 "which metrics? such as load.load1");
	o.globs = (const char *const *)argv + optind;
	o.nr = (unsigned)(argc - optind);
	signal(SIGPIPE, SIG_IGN);
	code = live_open(&cmd_loadsensor, &o, &l);
	if (!code)
		code = serve(l, host, rates);
	live_close(l);
	return code;
}

const struct command_ops cmd_loadsensor = {
	.name = "loadsensor",
	.summary = "Answers GridEngine with counters of this machine.",
	.usage = "[--rates] [--host NAME] METRIC...",
	.help = "Reads lines; answers each with begin, host:metric:value, end.  Ends at "
		"`quit` and\nat the end of its input.  Each metric must be a complex "
		"of the cluster (qconf -mc).\n\n"
		"OPTIONS\n"
		"  -C, --collectors LIST  instead of those of the settings\n"
		"  -H, --host NAME        instead of this host's name, up to its "
		"first point\n"
		"  -r, --rates            counters as growth per second since the "
		"line before\n"
		"\nEXAMPLES\n"
		"  echo | flightrec loadsensor load.load1 meminfo.MemAvailable\n"
		"  load_sensor /usr/local/bin/sensor       in qconf -mconf, where "
		"sensor is\n"
		"    #!/bin/sh\n"
		"    exec flightrec loadsensor load.load1 'meminfo.*'\n",
	.run = run,
};

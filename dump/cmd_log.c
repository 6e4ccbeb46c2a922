/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_log.c - flightrec log: the counters of this machine, line after line. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dump/live.h"
#include "dump/nested_json.h"
#include "recorder/timer.h"
#include "triggers/units.h"

extern const struct command_ops cmd_log;

#define MEMREC_PAIRS     5  /* on a line */
#define MEMREC_VALUE_MAX 40 /* longer ones have a line of their own */
#define SYSLOG_LINE_MAX  900
#define TICKS_AT_ONCE    64

enum format {
	LOG_KV,
	LOG_CSV,
	LOG_JSONL,
	LOG_MEMREC,
};

static const char *const formats[] = { "kv", "csv", "jsonl", "memrec", NULL };

struct log {
	struct live *l;
	enum format format;
	bool rates, to_syslog, reopen, stop;
	const char *path;
	FILE *out;
	uint64_t period_ns, lines, limit; /* limit 0: no end */
	char **columns;                   /* CSV: fixed by the first line */
	unsigned nr_columns;
	char failed[LIVE_FAILED]; /* collectors that were told of */
	bool told_new;            /* that a metric came which has no column */
	bool begun;               /* a tick has come */
	uint64_t next_k, late;    /* ticks that came too late to be served */
};

enum {
	OPT_SYSLOG = 256,
	OPT_ONCE,
	OPT_RATES
};

static const struct option options[] = {
	{ "collectors", required_argument, NULL, 'C' },
	{ "format", required_argument, NULL, 'O' },
	{ "output", required_argument, NULL, 'o' },
	{ "period", required_argument, NULL, 'd' },
	{ "lines", required_argument, NULL, 'n' },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "rates", no_argument, NULL, OPT_RATES },
	{ "syslog", no_argument, NULL, OPT_SYSLOG },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* ---- one line ----------------------------------------------------------------- */

static const char *value_of(const struct log *g, const struct live_metric *m,
			    char buf[LIVE_TEXT])
{
	return g->rates ? live_rate_text(m, buf) : live_text(m, buf);
}

/* Local time with its offset, as RFC 3339 has it. */
static void put_time(FILE *out)
{
	char text[48], zone[16];
	struct timespec t;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	fprintf(out, "%s.%06ld%.3s:%s", text, t.tv_nsec / 1000, zone, zone + 3);
}

static void put_kv(const struct log *g, FILE *out)
{
	char text[LIVE_TEXT];

	fputs("time=", out);
	put_time(out);
	for (unsigned n = 0; n < live_count(g->l); n++) {
		const struct live_metric *m = live_nth(g->l, n);

		if (*value_of(g, m, text))
			fprintf(out, " %s=%s", m->name, text);
	}
	fputc('\n', out);
}

static void put_jsonl(const struct log *g, FILE *out)
{
	char text[LIVE_TEXT];

	fputs("{\"time\": \"", out);
	put_time(out);
	fputc('"', out);
	for (unsigned n = 0; n < live_count(g->l); n++) {
		const struct live_metric *m = live_nth(g->l, n);

		fputs(", ", out);
		nested_json_string(out, m->name, strlen(m->name));
		value_of(g, m, text);
		fprintf(out, ": %s", *text ? text : "null");
	}
	fputs("}\n", out);
}

/* "xid=1700000000 k=v k=v", five pairs on a line, long values on one of their own. */
static void put_memrec(const struct log *g, FILE *out)
{
	char text[LIVE_TEXT];
	unsigned pairs = 0;
	long now = (long)time(NULL);

	for (unsigned n = 0; n < live_count(g->l); n++) {
		const struct live_metric *m = live_nth(g->l, n);
		bool own_line = strlen(value_of(g, m, text)) > MEMREC_VALUE_MAX;

		if (pairs && (own_line || pairs == MEMREC_PAIRS)) {
			fputc('\n', out);
			pairs = 0;
		}
		if (!pairs)
			fprintf(out, "xid=%ld", now);
		fprintf(out, *text ? " %s=%s" : " %s", m->name, text);
		pairs = own_line ? MEMREC_PAIRS : pairs + 1;
	}
	if (pairs)
		fputc('\n', out);
}

/* ---- CSV -------------------------------------------------------------------------- */

static bool fix_columns(struct log *g)
{
	g->nr_columns = live_count(g->l);
	g->columns = calloc(g->nr_columns + 1, sizeof(*g->columns));
	for (unsigned n = 0; g->columns && n < g->nr_columns; n++) {
		g->columns[n] = strdup(live_nth(g->l, n)->name);
		if (!g->columns[n])
			return false;
	}
	return g->columns != NULL;
}

static void put_header(const struct log *g, FILE *out)
{
	fputs("time", out);
	for (unsigned n = 0; n < g->nr_columns; n++) {
		fputc(',', out);
		live_put_cell(out, g->columns[n]);
	}
	fputc('\n', out);
}

/* Both lists are sorted: what has no column is passed over. */
static void put_csv(struct log *g, FILE *out)
{
	unsigned n = 0, nr = live_count(g->l);
	char text[LIVE_TEXT];

	put_time(out);
	for (unsigned c = 0; c < g->nr_columns; c++) {
		while (n < nr &&
		       strcmp(live_nth(g->l, n)->name, g->columns[c]) < 0)
			n++;
		fputc(',', out);
		if (n < nr && !strcmp(live_nth(g->l, n)->name, g->columns[c]))
			fputs(value_of(g, live_nth(g->l, n++), text), out);
	}
	fputc('\n', out);
	if (nr > g->nr_columns && !g->told_new) {
		fprintf(stderr,
			"flightrec log: there are metrics now that were "
			"not there at first; they have no column\n");
		g->told_new = true;
	}
}

/* ---- where it goes --------------------------------------------------------------- */

static int open_output(struct log *g)
{
	bool empty;

	if (g->out && g->out != stdout)
		fclose(g->out);
	g->out = g->path ? fopen(g->path, "ae") : stdout;
	if (!g->out) {
		fprintf(stderr, "flightrec log: cannot open %s: %s\n", g->path,
			strerror(errno));
		return errno == EACCES ? EXIT_PERMISSION : EXIT_FAILED;
	}
	empty = !g->path ||
		(fseek(g->out, 0, SEEK_END) == 0 && ftell(g->out) == 0);
	if (g->format == LOG_CSV && empty)
		put_header(g, g->out);
	return EXIT_OK;
}

/* syslog(3) has short lines: pairs are spread over as many as it takes. */
static void send_syslog(char *text)
{
	char line[SYSLOG_LINE_MAX + 1] = "", *save = NULL;
	size_t used = 0;

	for (char *word = strtok_r(text, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		size_t n = strlen(word);

		if (used && used + 1 + n > SYSLOG_LINE_MAX) {
			syslog(LOG_NOTICE, "%s", line);
			used = 0;
		}
		used += (size_t)snprintf(line + used, sizeof(line) - used,
					 "%s%.*s", used ? " " : "",
					 SYSLOG_LINE_MAX - 1, word);
	}
	if (used)
		syslog(LOG_NOTICE, "%s", line);
}

static void put_line(struct log *g, FILE *out)
{
	switch (g->format) {
	case LOG_KV:
		put_kv(g, out);
		break;
	case LOG_CSV:
		put_csv(g, out);
		break;
	case LOG_JSONL:
		put_jsonl(g, out);
		break;
	case LOG_MEMREC:
		put_memrec(g, out);
		break;
	}
}

static int say(struct log *g)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory;

	g->lines++;
	if (!g->to_syslog) {
		put_line(g, g->out);
		if (!fflush(g->out) && !ferror(g->out))
			return EXIT_OK;
		fprintf(stderr, "flightrec log: cannot write %s: %s\n",
			g->path ? g->path : "standard output", strerror(errno));
		return EXIT_FAILED;
	}
	memory = open_memstream(&text, &size);
	if (!memory)
		return EXIT_FAILED;
	put_line(g, memory);
	fclose(memory);
	send_syslog(text);
	free(text);
	return EXIT_OK;
}

/* ---- the loop --------------------------------------------------------------------- */

static int take_signals(struct log *g, int fd, bool *ret_now)
{
	struct signalfd_siginfo info;

	*ret_now = false;
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			*ret_now = true;
		else if (info.ssi_signo == SIGHUP)
			g->reopen = true;
		else
			g->stop = true;
	}
	return g->reopen && g->path && !g->stop ? open_output(g) : EXIT_OK;
}

/* The last of the ticks that wait; false: none, or (*ret_ended) the timer ended. */
static bool take_ticks(int fd, struct timer_tick *ret, bool *ret_ended)
{
	struct timer_tick ticks[TICKS_AT_ONCE];
	bool any = false;
	ssize_t n;

	while ((n = read(fd, ticks, sizeof(ticks))) >=
	       (ssize_t)sizeof(*ticks)) {
		*ret = ticks[(size_t)n / sizeof(*ticks) - 1];
		any = true;
	}
	*ret_ended = n == 0;
	return any;
}

/* Growth is told from the second tick on: the first is due at once, and what grew
 * since the start of the command is growth of a few milliseconds. */
static bool is_first_of_rates(struct log *g, const struct timer_tick *tick)
{
	bool first = !g->begun;

	if (g->begun)
		g->late += tick->k - g->next_k;
	g->begun = true;
	g->next_k = tick->k + 1;
	return first && g->rates;
}

/* Who cannot be read, when that becomes another. */
static void tell_failed(struct log *g)
{
	char failed[LIVE_FAILED];

	live_failed(g->l, failed);
	if (!strcmp(failed, g->failed))
		return;
	snprintf(g->failed, sizeof(g->failed), "%s", failed);
	if (*failed)
		fprintf(stderr,
			"flightrec log: some values could not be read and are "
			"left out (%s)\n",
			failed);
}

static int log_loop(struct log *g, int tick_fd, int signal_fd)
{
	struct pollfd fds[2] = { { .fd = tick_fd, .events = POLLIN },
				 { .fd = signal_fd, .events = POLLIN } };
	int code = EXIT_OK;

	while (!code && !g->stop && (!g->limit || g->lines < g->limit)) {
		struct timer_tick tick = { 0 };
		bool now = false, ended = false, due;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return EXIT_FAILED;
		g->reopen = false;
		code = take_signals(g, signal_fd, &now);
		due = take_ticks(tick_fd, &tick, &ended);
		if (ended) {
			fprintf(stderr, "flightrec log: the timer ended\n");
			return EXIT_FAILED;
		}
		if (code || g->stop || !(due || now))
			continue;
		live_round(g->l);
		tell_failed(g);
		if (due && is_first_of_rates(g, &tick) && !now)
			continue;
		code = say(g);
	}
	return code;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int log_run(struct log *g)
{
	int signal_fd = signals(), tick_fd = -1, code, err;
	pid_t timer = 0;

	if (g->format == LOG_CSV && !fix_columns(g))
		return EXIT_FAILED;
	code = g->to_syslog ? EXIT_OK : open_output(g);
	if (code || signal_fd < 0)
		return code ? code : EXIT_FAILED;
	if (g->to_syslog)
		openlog("flightrec", LOG_PID, LOG_DAEMON);
	if (g->limit == 1 && !g->rates) {
		code = say(g);
	} else {
		err = timer_start(g->period_ns, &tick_fd, &timer);
		if (err) {
			fprintf(stderr,
				"flightrec log: cannot start the timer: %s\n",
				strerror(-err));
			code = EXIT_FAILED;
		} else {
			code = log_loop(g, tick_fd, signal_fd);
		}
		timer_stop(timer, tick_fd);
		if (g->late)
			fprintf(stderr,
				"flightrec log: %" PRIu64 " samples were left "
				"out, as the ones before them took too long\n",
				g->late);
	}
	close(signal_fd);
	if (g->out && g->out != stdout && fclose(g->out) && !code) {
		fprintf(stderr, "flightrec log: cannot write %s: %s\n", g->path,
			strerror(errno));
		code = EXIT_FAILED;
	}
	return code;
}

/* ---- options -------------------------------------------------------------------- */

static bool parse_format(const char *text, enum format *ret)
{
	for (unsigned i = 0; formats[i]; i++)
		if (!strcmp(text, formats[i])) {
			*ret = (enum format)i;
			return true;
		}
	return false;
}

static bool parse_count(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && *text >= '0' && *text <= '9' && !*end && *ret;
}

/* -1: go on. */
static int parse_options(int argc, char **argv, struct log *g,
			 struct live_options *o)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "C:O:o:d:n:h", options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'C':
			o->collectors = optarg;
			break;
		case 'O':
			if (!parse_format(optarg, &g->format))
				return command_bad_usage(
					&cmd_log,
					"-O %s: there are kv, csv, jsonl, memrec",
					optarg);
			break;
		case 'o':
			g->path = optarg;
			break;
		case 'd':
			if (units_parse_time(optarg, &g->period_ns) ||
			    g->period_ns < 1000000)
				return command_bad_usage(
					&cmd_log,
					"-d %s: a time such as 1s or 250ms, at "
					"least 1ms",
					optarg);
			break;
		case 'n':
			if (!parse_count(optarg, &g->limit))
				return command_bad_usage(&cmd_log,
							 "-n %s: a number "
							 "from 1 on",
							 optarg);
			break;
		case OPT_ONCE:
			g->limit = 1;
			break;
		case OPT_RATES:
			g->rates = true;
			break;
		case OPT_SYSLOG:
			g->to_syslog = true;
			break;
		case 'h':
			command_print_help(&cmd_log);
			return EXIT_OK;
		default:
			return command_bad_option(&cmd_log, opt, argv, options);
		}
	}
	if (g->to_syslog && (g->path || g->format == LOG_CSV))
		return command_bad_usage(&cmd_log, "--syslog takes neither -o "
						   "nor -O csv");
	return -1;
}

static void log_free(struct log *g)
{
	for (unsigned n = 0; g->columns && n < g->nr_columns; n++)
		free(g->columns[n]);
	free(g->columns);
	live_close(g->l);
}

static int run(int argc, char **argv)
{
	struct log g = { .period_ns = 1000000000ULL };
	struct live_options o = { 0 };
	int code = parse_options(argc, argv, &g, &o);

	if (code >= 0)
		return code;
	o.period_ns = g.period_ns;
	o.globs = (const char *const *)argv + optind;
	o.nr = (unsigned)(argc - optind);
	code = live_open(&cmd_log, &o, &g.l);
	if (code)
		return code;
	code = log_run(&g);
	log_free(&g);
	return code;
}

const struct command_ops cmd_log = {
	.name = "log",
	.summary = "Writes the counters of this machine, line after line.",
	.usage = "[-d PERIOD] [-n LINES] [-O FORMAT] [-o FILE | --syslog] "
		 "[METRIC...]",
	.help = "A line for each sample, values in the order of the metrics' names.  A "
		"timer\nprocess sets the pace, so it does not drift.  METRIC may have "
		"* and ?; without\nany, all are told.  In CSV the columns are those "
		"of the first line: what is not\nthere later is empty, and what is "
		"new has no column.\n\n"
		"OPTIONS\n"
		"  -C, --collectors LIST  instead of those of the settings\n"
		"  -d, --period TIME      between two lines (1s)\n"
		"  -n, --lines N          then end\n"
		"      --once             one line: for cron\n"
		"      --rates            counters as growth per second; of a "
		"counter that was reset\n"
		"                         nothing\n"
		"  -O, --format FORMAT    kv (time=... name=value ...), csv, jsonl, "
		"memrec\n"
		"  -o, --output FILE      appends to it\n"
		"      --syslog           to the system's log, facility daemon\n"
		"\nSIGUSR1 takes a sample at once, SIGHUP opens FILE anew (after it "
		"was rotated),\nSIGINT and SIGTERM end.\n"
		"\nEXAMPLES\n"
		"  flightrec log --rates 'diskstats.vda.*_bytes'\n"
		"  flightrec log -d 10s -O csv -o disks.csv 'diskstats.*'\n"
		"  flightrec log --once --syslog load.load1 "
		"meminfo.MemAvailable\n",
	.run = run,
};

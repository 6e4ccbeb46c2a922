/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/config.h"
#include "triggers/rule.h"

static int read_text(struct fr_config *c, const char *text, struct fr_diag *d)
{
	memset(d, 0, sizeof(*d));
	return config_read_text(c, "f.conf", text, strlen(text), d);
}

/* Each default is what params.def says, whatever that is today: numbers come
 * back in the words of the file, texts as they are. */
static void defaults_are_those_of_params_def(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;
	char buf[32];

	(void)state;
	assert_non_null(c);
	for (const struct config_param *p = config_params; p->section; p++)
		if (strcmp(config_get(c, p, buf), p->def))
			fail_msg("%s.%s is %s, not %s", p->section, p->key,
				 config_get(c, p, buf), p->def);
	assert_int_equal(config_check(c, &d), 0);
	assert_int_equal(c->nr_rules, 0);
	config_free(c);
}

/* Without ring.shares every lane that the streams need has some, and no percent of
 * the memory is without an owner. */
static void default_shares_make_a_whole(void **state)
{
	static const char *const profiles[] = { "minimal", "default", "deep" };
	unsigned lanes_before = 0;

	(void)state;
	for (unsigned p = 0; p < 3; p++) {
		unsigned percent[16], sum = 0, lanes = 0;
		struct fr_config *c = config_new();
		struct fr_diag d;
		char set[64];

		snprintf(set, sizeof(set), "probes.profile=%s", profiles[p]);
		assert_int_equal(config_set(c, set, &d), 0);
		config_shares(c, percent);
		for (unsigned i = 0; i < 16; i++) {
			sum += percent[i];
			lanes += percent[i] != 0;
		}
		assert_int_equal(sum, 100);
		assert_true(percent[FR_LANE_NAMES] > 0);
		assert_true(lanes > lanes_before);
		assert_int_equal(percent[FR_LANE_SAMPLE], 0);
		lanes_before = lanes;
		config_free(c);
	}
}

static void streams_are_named_or_changed(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;
	unsigned of_default = config_streams(c);

	(void)state;
	assert_int_equal(config_set(c, "probes.streams=+cache,-net", &d), 0);
	assert_int_equal(config_streams(c),
			 (of_default | 1u << FR_STREAM_CACHE) &
				 ~(1u << FR_STREAM_NET));
	assert_int_equal(config_set(c, "probes.streams=fs", &d), 0);
	assert_int_equal(config_streams(c), 1u << FR_STREAM_FS);
	assert_true(config_set(c, "probes.streams=fs,+net", &d) < 0);
	assert_true(config_set(c, "probes.streams=+chache", &d) < 0);
	assert_non_null(strstr(d.text, "cache"));
	config_free(c);
}

static void collectors_have_rates_and_lists(void **state)
{
	static const char *const names[] = { "cpu", "disks", NULL };
	static const char *const good[] = { "cpu", "cpu@fast,disks@slow",
					    "disks@250ms:vd*+nvme0n1",
					    "disks:sd?" };
	static const char *const bad[] = { "cpu@",   "cpu@quick", "cpu@10us",
					   "disks:", "@fast",     "cqu@fast" };
	struct fr_config *c = config_new();
	char set[128];
	struct fr_diag d;

	(void)state;
	config_set_collectors(names);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(set, sizeof(set), "sampler.collectors=%s", good[i]);
		if (config_set(c, set, &d))
			fail_msg("%s: %s", good[i], d.text);
	}
	for (unsigned i = 0; i < 6; i++) {
		snprintf(set, sizeof(set), "sampler.collectors=%s", bad[i]);
		if (config_set(c, set, &d) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	}
	config_set_collectors(NULL);
	config_free(c);
}

static void what_is_kept_is_checked(void **state)
{
	static const char *const good[] = {
		"probes.sample=cache=100, net=7,fs=8",
		"probes.above=fs=1ms,net=100us",
		"probes.cgroups=/a/b:cache=off,/a/b:fs=16,/c:net=1ms,/d:e:fs=on",
		"probes.sample=",
	};
	static const char *const bad[] = {
		"probes.sample=cache",
		"probes.sample=chace=10",
		"probes.sample=cache=0",
		"probes.sample=cache=-1",
		"probes.sample=fs=3",
		"probes.sample=fs=65536",
		"probes.sample=cache=9999999",
		"probes.above=fs=quick",
		"probes.above=fs",
		"probes.cgroups=cache=off",
		"probes.cgroups=/a:cache",
		"probes.cgroups=/a:fs=soon",
	};
	struct fr_config *c = config_new();
	struct fr_diag d;

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (config_set(c, good[i], &d))
			fail_msg("%s: %s", good[i], d.text);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_set(c, bad[i], &d) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	config_free(c);
}

static void shares_are_those_of_the_setting(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;
	unsigned percent[16];

	(void)state;
	assert_int_equal(
		config_set(c, "ring.shares=names=10, fs=50,slow=7", &d), 0);
	config_shares(c, percent);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(percent[i], i == FR_LANE_FS    ? 50 :
					     i == FR_LANE_NAMES ? 10 :
					     i == FR_LANE_SLOW  ? 7 :
								  0);
	config_free(c);
}

static void a_file_sets_values_and_triggers(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;

	(void)state;
	if (read_text(c,
		      "# comment\n"
		      "; another\n"
		      "[ring]\n"
		      "memory = 128MiB ; behind a value\n"
		      "\n"
		      "[probes]\n"
		      "  streams = fs,\n"
		      "     block\n"
		      "  slow_limit=0\n"
		      "\texec_args = no\n"
		      "[trigger \"slow-fsync\"]\n"
		      "when = fs.fsync\n"
		      "    # a comment within\n"
		      "    latency > 200ms\n"
		      "tail = 2s\n"
		      "[dump] # behind a section\n"
		      "level = -5\n"
		      "folder =\t/a b\n",
		      &d) < 0)
		fail_msg("%s", d.text);
	assert_true(c->ring_memory == 128 << 20);
	assert_string_equal(c->probes_streams, "fs, block");
	assert_true(config_list_has(c->probes_streams, "block"));
	assert_false(config_list_has(c->probes_streams, "proc"));
	assert_true(c->probes_slow_limit == 0);
	assert_false(c->probes_exec_args);
	assert_true(c->dump_level == -5);
	assert_string_equal(c->dump_folder, "/a b");
	assert_int_equal(c->nr_rules, 1);
	assert_string_equal(c->rules[0].name, "slow-fsync");
	assert_string_equal(c->rules[0].when, "fs.fsync latency > 200ms");
	assert_true(c->rules[0].tail_ns == 2000000000);
	config_free(c);
}

static void errors_name_file_line_and_a_way_out(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[ring]\nmemmory = 1MiB\n",
		  "f.conf:2:1: unknown key 'memmory' in [ring]; did you mean "
		  "memory" },
		{ "[ring]\nperiod = 1s\n",
		  "f.conf:2:1: unknown key 'period' in [ring]; it belongs to "
		  "[sampler]" },
		{ "\n[rign]\n", "f.conf:2:1: unknown section [rign]; did you "
				"mean ring" },
		{ "[ring]\nmemory = 64 MB x\n", "f.conf:2:10: memory = '64 MB "
						"x' is not a size" },
		{ "[ring]\nmemory=1KiB\n", "f.conf:2:8: memory = 1KiB is out "
					   "of range; from 1MiB to 64GiB" },
		{ "[dump]\nlevel = 20\n", "out of range; from -7 to 19" },
		{ "[probes]\nexec_args = perhaps\n", "not a yes or no" },
		{ "[ring]\n[run]\n[ring]\n", "f.conf:3:1: section [ring] "
					     "twice; the first is in line 1" },
		{ "[trigger \"a\"]\n[trigger \"a\"]\n", "twice" },
		{ "[ring]\nmemory = 1MiB\nmemory = 2MiB\n",
		  "f.conf:3:1: key 'memory' twice" },
		{ "memory = 1MiB\n", "f.conf:1:1: 'memory' stands before" },
		{ "[ring]\nmemory\n", "f.conf:2:1: expected key = value" },
		{ "[ring\n", "f.conf:1:1: not a section" },
		{ "[trigger]\n", "a trigger needs a name" },
		{ "[trigger \"a/b\"]\n", "made of letters" },
		{ "[ring] memory = 3\n", "text behind" },
		{ "[probes]\nstreams = fs,blokc\n", "no stream 'blokc'; did "
						    "you mean block" },
		{ "[probes]\nprofile = depe\n", "did you mean deep" },
		{ "[ring]\nshares = fs=80,names=30\n", "110% together" },
		{ "[ring]\nshares = fs=80,fs=10,names=3\n", "named twice" },
		{ "[ring]\nshares = fs=80\n", "names needs a share" },
		{ "[ring]\nshares = sf=80\n", "did you mean fs" },
		{ "[scope]\npids = 12,x\n", "'x' is not a process number" },
		{ "[trigger \"a\"]\nwhen = fs.fsnyc latency > 2s\n",
		  "f.conf:2:8: unknown operation 'fs.fsnyc'; did you mean "
		  "fs.fsync\n    fs.fsnyc latency > 2s\n    ^" },
		{ "[trigger \"a\"]\nwhen = fs.read\n  latency < 2s\n",
		  "f.conf:3:11: expected `>`" },
		{ "[trigger \"a\"]\ncooldwn = 2s\n", "did you mean cooldown" },
		{ "[dump]\nlevel = 99999999999999999999\n", "out of range" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fr_config *c = config_new();
		struct fr_diag d;

		if (read_text(c, cases[i].text, &d) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(d.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, d.text);
		config_free(c);
	}
}

static void long_lines_are_whole_or_refused(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;
	char text[8192], *p = text;

	(void)state;
	/* most breaks would begin with what inih takes for a comment */
	p += snprintf(p, 64, "[run]\nfolder = /");
	for (unsigned i = 0; i < 3000; i++)
		*p++ = i % 50 == 0 ? ' ' : i % 50 == 1 ? 'y' : ";#x"[i % 3];
	snprintf(p, 64, "\nuser = x\n");
	if (read_text(c, text, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(strlen(c->run_folder), 3001);
	assert_memory_equal(c->run_folder, strchr(text, '/'), 3001);
	assert_string_equal(c->run_user, "x");
	memset(text, '#', 7000);
	text[7000] = '\0';
	assert_int_equal(read_text(c, text, &d), -EINVAL);
	assert_non_null(strstr(d.text, "line longer than"));
	assert_int_equal(config_read_text(c, "f.conf", "a\0b", 3, &d), -EINVAL);
	assert_non_null(strstr(d.text, "zero byte"));
	config_free(c);
}

static void triggers_are_bounded(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;
	char text[96];

	(void)state;
	for (unsigned i = 0; i < RULES_MAX; i++) {
		snprintf(text, sizeof(text), "trigger.t%u.when=load.load1 > %u",
			 i, i);
		assert_int_equal(config_set(c, text, &d), 0);
	}
	assert_int_equal(config_set(c, "trigger.more.when=load.load1 > 1", &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "more than 64"));
	config_free(c);
}

static void set_takes_what_files_take(void **state)
{
	struct fr_config *c = config_new();
	struct fr_diag d;

	(void)state;
	assert_int_equal(config_set(c, "ring.memory=2MiB", &d), 0);
	assert_true(c->ring_memory == 2 << 20);
	assert_int_equal(config_set(c, "trigger.a.b.tail=1s", &d), 0);
	assert_string_equal(c->rules[0].name, "a.b");
	assert_int_equal(config_check(c, &d), -EINVAL);
	assert_non_null(strstr(d.text, "[trigger \"a.b\"] has no condition"));
	assert_int_equal(config_set(c, "ring.memory", &d), -EINVAL);
	assert_int_equal(config_set(c, "memory=1MiB", &d), -EINVAL);
	assert_int_equal(config_set(c, "run.folder=a\nb", &d), -EINVAL);
	assert_int_equal(config_set(c, "run.folder=a ;b", &d), -EINVAL);
	assert_int_equal(config_set(c, "trigger.x.when=fs.rea latency > 1s",
				    &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "--set trigger.x.when: unknown"));
	config_free(c);
}

static void what_is_printed_reads_back(void **state)
{
	struct fr_config *a = config_new(), *b = config_new();
	struct fr_diag d;
	char *text1 = NULL, *text2 = NULL, folder[1200];
	size_t len;
	FILE *f;

	(void)state;
	snprintf(folder, sizeof(folder), "dump.folder=/");
	memset(folder + 13, 'x', 1000);
	folder[1013] = '\0';
	assert_int_equal(config_set(a, folder, &d), 0);
	assert_int_equal(config_set(a, "ring.memory=3000001B", &d), 0);
	assert_int_equal(config_set(a, "probes.exec_env=A,B", &d), 0);
	assert_int_equal(config_set(a, "run.user=", &d), 0);
	assert_int_equal(config_set(a, "dump.level=-3", &d), 0);
	assert_int_equal(config_set(a,
				    "trigger.x.when=rate(a.*.b) > 1/s for "
				    "3s",
				    &d),
			 0);
	assert_int_equal(config_set(a, "trigger.x.tail=1234567ns", &d), 0);
	assert_int_equal(config_set(a, "trigger.y.when=block latency > 1s", &d),
			 0);
	assert_int_equal(config_set(a, "trigger.y.enabled=no", &d), 0);
	assert_int_equal(
		config_set(a, "trigger.y.exec=a \"b  c\" $X; d # e = f", &d),
		0);
	assert_int_equal(config_set(a, "trigger.y.max-per-day=7", &d), 0);
	assert_int_equal(config_set(a, "trigger.y.min-history=90s", &d), 0);
	f = open_memstream(&text1, &len);
	config_print(a, f);
	fclose(f);
	if (config_read_text(b, "printed", text1, len, &d) < 0)
		fail_msg("%s", d.text);
	f = open_memstream(&text2, &len);
	config_print(b, f);
	fclose(f);
	assert_string_equal(text1, text2);
	assert_string_equal(b->dump_folder, strchr(folder, '/'));
	assert_int_equal(b->nr_rules, 2);
	assert_true(rule_equal(&a->rules[0], &b->rules[0]));
	assert_true(rule_equal(&a->rules[1], &b->rules[1]));
	free(text1);
	free(text2);
	config_free(a);
	config_free(b);
}

/* Uncommenting every setting of the example changes nothing. */
static void the_example_holds_the_defaults(void **state)
{
	struct fr_config *a = config_new(), *b = config_new();
	char *text = NULL, buf[32], buf2[32];
	struct fr_diag d;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	config_print_example(f);
	fclose(f);
	assert_int_equal(read_text(b, text, &d), 0);
	assert_int_equal(b->nr_rules, 0);
	for (char *p = text; *p; p++)
		if (*p == '#' && p[1] != ' ' && (p == text || p[-1] == '\n'))
			*p = ' ';
	if (read_text(b, text, &d) < 0)
		fail_msg("%s", d.text);
	for (const struct config_param *p = config_params; p->section; p++)
		assert_string_equal(config_get(a, p, buf),
				    config_get(b, p, buf2));
	assert_int_equal(b->nr_rules, 1);
	free(text);
	config_free(a);
	config_free(b);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void files_are_read_in_order(void **state)
{
	char dir[] = "/tmp/flightrec-config-XXXXXX", path[128];
	struct fr_config *c = config_new();
	struct fr_diag d;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	snprintf(path, sizeof(path), "%s/flightrec.conf", dir);
	assert_int_equal(config_read_all(c, path, true, &d), -ENOENT);
	assert_non_null(strstr(d.text, "flightrec.conf: No such file"));
	assert_int_equal(config_read_all(c, path, false, &d), 0);
	write_file("flightrec.conf", "[dump]\nlevel = 2\nmax_files = 5\n");
	assert_int_equal(mkdir("conf.d", 0700), 0);
	write_file("conf.d/b.conf", "[dump]\nlevel = 4\n");
	write_file("conf.d/a.conf", "[dump]\nlevel = 3\n");
	write_file("conf.d/a.conf~", "nonsense\n");
	assert_int_equal(config_read_all(c, path, true, &d), 0);
	assert_true(c->dump_level == 4);
	assert_true(c->dump_max_files == 5);
	write_file("conf.d/a.conf", "[dump]\nlevel = x\n");
	assert_int_equal(config_read_all(c, path, true, &d), -EINVAL);
	assert_non_null(strstr(d.text, "conf.d/a.conf:2:9:"));
	unlink("conf.d/a.conf");
	unlink("conf.d/b.conf");
	unlink("conf.d/a.conf~");
	rmdir("conf.d");
	unlink("flightrec.conf");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
	config_free(c);
}

static void collectors_are_checked_once_known(void **state)
{
	static const char *const known[] = { "cpu",      "memory", "vmstat",
					     "disks",    "net",    "load",
					     "pressure", NULL };
	struct fr_config *c = config_new();
	struct fr_diag d;

	(void)state;
	config_set_collectors(known);
	assert_int_equal(config_set(c, "sampler.collectors=cpu, memroy", &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "did you mean memory"));
	assert_int_equal(config_set(c, "sampler.collectors=0", &d), 0);
	assert_int_equal(config_check(c, &d), 0);
	config_set_collectors(NULL);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_params_def),
		cmocka_unit_test(default_shares_make_a_whole),
		cmocka_unit_test(streams_are_named_or_changed),
		cmocka_unit_test(what_is_kept_is_checked),
		cmocka_unit_test(collectors_have_rates_and_lists),
		cmocka_unit_test(shares_are_those_of_the_setting),
		cmocka_unit_test(a_file_sets_values_and_triggers),
		cmocka_unit_test(errors_name_file_line_and_a_way_out),
		cmocka_unit_test(long_lines_are_whole_or_refused),
		cmocka_unit_test(triggers_are_bounded),
		cmocka_unit_test(set_takes_what_files_take),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(the_example_holds_the_defaults),
		cmocka_unit_test(files_are_read_in_order),
		cmocka_unit_test(collectors_are_checked_once_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

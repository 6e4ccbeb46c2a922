/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_anonymize.c - the keyed hash, and what it is put in place of. */
#include "tests/unit/test.h"

#include <flightrec/event.h>
#include <string.h>

#include "dump/anonymize.h"
#include "dump/siphash.h"

static const uint8_t key[16] = { 0, 1, 2,  3,  4,  5,  6,  7,
				 8, 9, 10, 11, 12, 13, 14, 15 };

/* vectors_sip128 of the reference implementation: key and input 00 01 02 ...;
 * openssl mac -macopt size:16 siphash gives the same. */
static void hash_is_that_of_the_published_vectors(void **state)
{
	static const struct {
		size_t len;
		uint8_t sum[16];
	} v[] = {
		{ 0,
		  { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6,
		    0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 } },
		{ 1,
		  { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76,
		    0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 } },
		{ 2,
		  { 0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3,
		    0x8b, 0xde, 0xf6, 0x0a, 0xff, 0xe4 } },
		{ 7,
		  { 0xa1, 0xf1, 0xeb, 0xbe, 0xd8, 0xdb, 0xc1, 0x53, 0xc0, 0xb8,
		    0x4a, 0xa6, 0x1f, 0xf0, 0x82, 0x39 } },
		{ 8,
		  { 0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83,
		    0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4 } },
		{ 15,
		  { 0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08,
		    0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9 } },
		{ 63,
		  { 0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e,
		    0x06, 0x9a, 0x97, 0x3f, 0xbd, 0x7c } },
	};
	uint8_t in[64], sum[16];

	(void)state;
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		siphash128(key, in, v[i].len, sum);
		assert_memory_equal(sum, v[i].sum, 16);
	}
}

struct hidden {
	char text[512];
	size_t len;
};

static struct hidden hide(const struct anonymizer *a, const char *text)
{
	struct hidden h = { 0 };

	h.len = anonymize_text(a, h.text, text, strlen(text));
	assert_true(h.len <= ANONYMIZE_BOUND(strlen(text)));
	return h;
}

static void paths_keep_their_form_and_nothing_else(void **state)
{
	struct anonymizer *a = anonymizer_with_key(key, 0);
	struct anonymizer *other = anonymizer_new(0);
	struct hidden one, two;

	(void)state;
	assert_int_equal(hide(a, "").len, 0);
	assert_string_equal(hide(a, "/").text, "/");
	assert_string_equal(hide(a, "..//.").text, "..//.");
	one = hide(a, "/home/alice/x.c");
	two = hide(a, "alice");
	assert_int_equal(one.len, 3 * 17);
	assert_memory_equal(one.text + 18, two.text, 16);
	assert_int_equal(strspn(two.text, "0123456789abcdef"), 16);
	assert_string_not_equal(one.text, hide(other, "/home/alice/x.c").text);
	assert_string_not_equal(two.text, hide(a, "alicf").text);
	anonymizer_free(a);
	anonymizer_free(other);
}

static void extensions_stay_if_asked(void **state)
{
	struct anonymizer *a = anonymizer_with_key(key, ANONYMIZE_EXTENSIONS);

	(void)state;
	assert_string_equal(hide(a, "/a.d/b.tar.gz").text + 36, ".gz");
	assert_int_equal(hide(a, "/a.d/b.tar.gz").len, 39);
	assert_int_equal(hide(a, ".profile").len, 16);
	assert_int_equal(hide(a, "x.averylongone").len, 16);
	assert_int_equal(hide(a, "x.a b").len, 16);
	assert_int_equal(hide(a, "x.").len, 16);
	anonymizer_free(a);
}

static void get_ip(const struct anonymizer *a, const uint8_t in[16],
		   uint8_t out[16])
{
	const struct fr_schema *s = fr_schema_by_name("net_io");
	struct anonymize_row row = { 0 };

	for (unsigned i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, "laddr"))
			anonymize_field(a, &s->fields[i], &row, out, in, 16);
}

static void addresses_stay_equal_and_loopback_stays(void **state)
{
	static const uint8_t kept[][16] = {
		{ 0 },
		{ [15] = 1 },
		{ [10] = 0xff, 0xff, 127, 0, 0, 1 },
		{ [10] = 0xff, 0xff, 0, 0, 0, 0 },
	};
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	struct anonymizer *a = anonymizer_with_key(key, 0);
	uint8_t out[16], again[16];

	(void)state;
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		get_ip(a, kept[i], out);
		assert_memory_equal(out, kept[i], 16);
	}
	get_ip(a, v4, out);
	get_ip(a, v4, again);
	assert_int_equal(out[0], 0xfd);
	assert_memory_equal(out, again, 16);
	assert_memory_not_equal(out + 12, v4 + 12, 4);
	get_ip(a, v6, again);
	assert_int_equal(again[0], 0xfd);
	assert_memory_not_equal(out, again, 16);
	anonymizer_free(a);
}

/* A record of a name: neither its text nor the number it is found by stays, and
 * a record that refers to it still does. */
static void records_still_find_their_names(void **state)
{
	struct anonymizer *a = anonymizer_with_key(key, 0);
	static uint8_t out[ANONYMIZE_RECORD_MAX];
	struct {
		struct fr_name_str r;
		char text[16];
	} name = { .r.head = FR_HEAD(1, 1, FR_T_name_str, 9),
		   .r.hash = 0xabcdef,
		   .text = "/etc/none" };
	struct fr_fs_path open = { .head = FR_HEAD(1, 1, FR_T_fs_path, 70),
				   .asked = 0xabcdef,
				   .dir_ino = 5,
				   .pkey = UINT16_MAX,
				   .dir_pkey = 17 };
	struct fr_name_str *hidden = (struct fr_name_str *)(void *)out;
	struct fr_fs_path *op = (struct fr_fs_path *)(void *)out;
	uint64_t hash;
	size_t len;

	(void)state;
	len = anonymize_record(a, out, (uint8_t *)&name, sizeof(name));
	assert_int_equal(len, sizeof(name.r) + 34);
	assert_int_equal(hidden->head & 0xffff, 34);
	assert_true(hidden->hash != 0xabcdef);
	assert_null(memmem(out, len, "etc", 3));
	hash = hidden->hash;
	len = anonymize_record(a, out, (uint8_t *)&open, sizeof(open));
	assert_int_equal(len, sizeof(open));
	assert_true(op->asked == hash);
	assert_int_equal(op->pkey, UINT16_MAX);
	assert_int_equal(op->dir_ino, 5);
	assert_int_equal(op->head & 0xffff, 70);
	anonymizer_free(a);
}

/* The name of a metric as it comes out, with unit and source behind it. */
static const char *hide_metric(const struct anonymizer *a, const char *name)
{
	struct anonymize_row row = { 0 };
	static char out[2048];
	char tail[256];
	size_t len = strlen(name) + 1, n;

	memcpy(tail, name, len);
	memcpy(tail + len, "bytes\0/x", 9);
	n = anonymize_tail(a, fr_schema_by_name("metric"), &row, out, tail,
			   len + 9);
	assert_memory_equal(out + n - 10, "\0bytes\0/x", 10);
	assert_int_equal(strlen(out), n - 10);
	return out;
}

static void metrics_lose_the_names_that_people_gave(void **state)
{
	static const char *const kept[] = {
		"net.lo.rx_bytes", "net.retransmit",          "interrupts.LOC",
		"cpu.all.user",    "filesystem./.size_bytes", "softirqs.NET_RX",
	};
	static const struct {
		const char *name, *begin, *end;
	} hidden[] = {
		{ "net.acme0.rx_bytes", "net.", ".rx_bytes" },
		{ "net.acme.5.rx_bytes", "net.", ".rx_bytes" },
		{ "filesystem./srv/acme.b/c.free_bytes", "filesystem./",
		  ".free_bytes" },
		{ "nfsmount./acme.vfs_open", "nfsmount./", ".vfs_open" },
		{ "nfsmount./a.ACME.vfs_open", "nfsmount./", ".vfs_open" },
		{ "nfsmount./acme.READ.rtt_ns", "nfsmount./", ".READ.rtt_ns" },
		{ "swap./srv/acme.used_bytes", "swap./", ".used_bytes" },
		{ "interrupts.66.acme-TxRx-0", "interrupts.66.", "" },
	};
	struct anonymizer *a = anonymizer_with_key(key, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		assert_string_equal(hide_metric(a, kept[i]), kept[i]);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		const char *got = hide_metric(a, hidden[i].name);
		size_t end = strlen(hidden[i].end);

		assert_memory_equal(got, hidden[i].begin,
				    strlen(hidden[i].begin));
		assert_string_equal(got + strlen(got) - end, hidden[i].end);
		assert_null(strcasestr(got, "acme"));
	}
	anonymizer_free(a);
}

/* The fact of a machine as it comes out; static memory. */
static const char *hide_state(const struct anonymizer *a, const char *fact)
{
	static char out[256];
	struct anonymize_row row = { 0 };
	size_t n = anonymize_tail(a, fr_schema_by_name("state_system"), &row,
				  out, fact, strlen(fact));

	out[n] = 0;
	return out;
}

static void facts_of_the_machine_lose_the_names_that_people_gave(void **state)
{
	static const char *const kept[] = { "CPU Brand=Some CPU",
					    "Storages/vda/size=4096",
					    "Network/lo/mtu=65536",
					    "Total Swap=0" };
	struct anonymizer *a = anonymizer_with_key(key, 0);
	const char *got;

	(void)state;
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_string_equal(hide_state(a, kept[i]), kept[i]);
	got = hide_state(a, "Network/wg-acme/mtu=1420");
	assert_null(strstr(got, "acme"));
	assert_non_null(strstr(got, "/mtu=1420"));
	got = hide_state(a, "Mounts/23=254:0 /srv/acme ext4");
	assert_memory_equal(got, "Mounts/23=", 10);
	assert_null(strstr(got, "acme"));
	assert_null(strstr(hide_state(a, "Storages/vda/serial=ACME1"), "ACME"));
	assert_null(strstr(hide_state(a, "Whatever/acme=acme"), "acme"));
	assert_null(strstr(hide_state(a, "Machine ID (hashed)=acme"), "acme"));
	anonymizer_free(a);
}

static void records_that_contradict_themselves_become_heads(void **state)
{
	struct anonymizer *a = anonymizer_with_key(key, 0);
	static uint8_t out[ANONYMIZE_RECORD_MAX];
	struct fr_name_str r = { .head = FR_HEAD(1, 1, FR_T_name_str, 9) };

	(void)state;
	assert_int_equal(anonymize_record(a, out, (uint8_t *)&r, sizeof(r)), 8);
	assert_int_equal(anonymize_record(a, out, (uint8_t *)&r, 20), 8);
	r.head = FR_HEAD(1, 1, 255, 0);
	assert_int_equal(anonymize_record(a, out, (uint8_t *)&r, sizeof(r)), 8);
	anonymizer_free(a);
}

static void facts_keep_figures_only(void **state)
{
	static const struct {
		const char *key, *value;
		bool kept;
	} facts[] = {
		{ "host.kernel", "6.1.0-13-amd64", true },
		{ "host.name", "db1", false },
		{ "host.boot_id", "12345678", false },
		{ "instance", "1234567812345678", false },
		{ "lane.fs.lost", "17", true },
		{ "trigger.reason", "fsync of /srv/secret", false },
		{ "trigger.ts_ns", "-12", true },
		{ "command", "ls", false },
		{ "peer", "10.0.0.1", false },
	};
	static char buf[ANONYMIZE_FACT_MAX];
	struct anonymizer *a = anonymizer_with_key(key, 0);
	const char *got;

	(void)state;
	for (unsigned i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		got = anonymize_fact(a, facts[i].key, facts[i].value, buf);
		assert_non_null(got);
		assert_int_equal(!strcmp(got, facts[i].value), facts[i].kept);
	}
	assert_null(anonymize_fact(a, "host.tz", "Europe/Berlin", buf));
	got = anonymize_fact(
		a, "recorder.config",
		"# doc\n[dump]\nfolder = /srv/secret\nlevel = 1\n"
		"[trigger \"mine\"]\nwhen = fs.read latency > 1s\n",
		buf);
	assert_non_null(strstr(got, "# doc\n[dump]\nfolder = /"));
	assert_non_null(strstr(got, "\nlevel = 1\n"));
	assert_null(strstr(got, "secret"));
	assert_null(strstr(got, "mine"));
	anonymizer_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			facts_of_the_machine_lose_the_names_that_people_gave),
		cmocka_unit_test(metrics_lose_the_names_that_people_gave),
		cmocka_unit_test(hash_is_that_of_the_published_vectors),
		cmocka_unit_test(paths_keep_their_form_and_nothing_else),
		cmocka_unit_test(extensions_stay_if_asked),
		cmocka_unit_test(addresses_stay_equal_and_loopback_stays),
		cmocka_unit_test(records_still_find_their_names),
		cmocka_unit_test(
			records_that_contradict_themselves_become_heads),
		cmocka_unit_test(facts_keep_figures_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

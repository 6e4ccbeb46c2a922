/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_devices.c - storage, GPUs, network devices and mounts, from /sys and /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/scan.h"
#include "recorder/state_system.h"
#include "recorder/state_text.h"

#define DEVICES_MAX   4096
#define MOUNTINFO_MAX (4U << 20)
#define KEY_MAX       320
#define SECTOR_BYTES  512ULL
#define PCI_DISPLAY   0x03U /* class of display controllers */

typedef void (*device_fn)(int fd, const char *name, struct facts *f);

/* ${fn} for each entry of a folder, in the order of their names. */
static void each_device(const char *root, const char *path, device_fn fn,
			struct facts *f)
{
	struct dirent **list;
	char name[PATH_MAX];
	int n, dir;

	snprintf(name, sizeof(name), "%s%s", root, path);
	n = scandir(name, &list, NULL, versionsort);
	if (n < 0)
		return;
	dir = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		int fd = dir >= 0 && i < DEVICES_MAX &&
					 list[i]->d_name[0] != '.' ?
				 openat(dir, list[i]->d_name,
					O_PATH | O_DIRECTORY | O_CLOEXEC) :
				 -1;

		if (fd >= 0) {
			fn(fd, list[i]->d_name, f);
			close(fd);
		}
		free(list[i]);
	}
	free(list);
	if (dir >= 0)
		close(dir);
}

/* "GROUP/NAME/what" = the file's text; nothing if it has none. */
static void add_file(int fd, const char *group, const char *name,
		     const char *what, const char *file, struct facts *f)
{
	char key[KEY_MAX], value[512];

	state_text_word(fd, file, value, sizeof(value));
	if (!value[0])
		return;
	snprintf(key, sizeof(key), "%s/%s/%s", group, name, what);
	facts_add(f, key, "%s", value);
}

/* The last part of what a link says: a driver's name. */
static void add_link(int fd, const char *group, const char *name,
		     const char *what, const char *link, struct facts *f)
{
	char key[KEY_MAX], value[PATH_MAX];
	ssize_t n = readlinkat(fd, link, value, sizeof(value) - 1);
	const char *slash;

	if (n <= 0)
		return;
	value[n] = '\0';
	slash = strrchr(value, '/');
	snprintf(key, sizeof(key), "%s/%s/%s", group, name, what);
	facts_add(f, key, "%s", slash ? slash + 1 : value);
}

/* ---- storage ---------------------------------------------------------------------------- */

/* none [mq-deadline] bfq: the one in brackets */
static void add_scheduler(int fd, const char *name, struct facts *f)
{
	char key[KEY_MAX], value[256];
	const char *open_at, *close_at;

	state_text_word(fd, "queue/scheduler", value, sizeof(value));
	open_at = strchr(value, '[');
	close_at = open_at ? strchr(open_at, ']') : NULL;
	if (!value[0])
		return;
	snprintf(key, sizeof(key), "Storages/%s/scheduler", name);
	if (close_at)
		facts_add(f, key, "%.*s", (int)(close_at - open_at - 1),
			  open_at + 1);
	else
		facts_add(f, key, "%s", value);
}

/* false: an empty one: no medium, or a loop device that nobody uses */
static bool add_size(int fd, const char *name, struct facts *f)
{
	char key[KEY_MAX], value[32];
	uint64_t sectors;

	state_text_word(fd, "size", value, sizeof(value));
	sectors = strtoull(value, NULL, 10);
	if (!sectors)
		return false;
	snprintf(key, sizeof(key), "Storages/%s/size", name);
	facts_add(f, key, "%llu", (unsigned long long)(sectors * SECTOR_BYTES));
	return true;
}

static void add_storage(int fd, const char *name, struct facts *f)
{
	static const char *const files[][2] = {
		{ "dev", "dev" },
		{ "model", "device/model" },
		{ "vendor", "device/vendor" },
		{ "removable", "removable" },
		{ "read_only", "ro" },
		{ "rotational", "queue/rotational" },
		{ "nr_requests", "queue/nr_requests" },
		{ "logical_block_size", "queue/logical_block_size" },
		{ "physical_block_size", "queue/physical_block_size" },
		{ "minimum_io_size", "queue/minimum_io_size" },
		{ "optimal_io_size", "queue/optimal_io_size" },
		{ "max_sectors_kb", "queue/max_sectors_kb" },
		{ "max_segments", "queue/max_segments" },
		{ "read_ahead_kb", "queue/read_ahead_kb" },
		{ "write_cache", "queue/write_cache" },
		{ "fua", "queue/fua" },
		{ "discard_max_bytes", "queue/discard_max_bytes" },
		{ "nomerges", "queue/nomerges" },
		{ "rq_affinity", "queue/rq_affinity" },
		{ "wbt_lat_usec", "queue/wbt_lat_usec" },
		{ "io_poll", "queue/io_poll" },
		{ "zoned", "queue/zoned" },
	};

	if (!add_size(fd, name, f))
		return;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_file(fd, "Storages", name, files[i][0], files[i][1], f);
	add_scheduler(fd, name, f);
}

static void add_partition(int fd, const char *name, struct facts *f)
{
	char key[KEY_MAX], value[32];

	state_text_word(fd, "partition", value, sizeof(value));
	if (!value[0])
		return;
	state_text_word(fd, "size", value, sizeof(value));
	snprintf(key, sizeof(key), "Partitions/%s/size", name);
	facts_add(
		f, key, "%llu",
		(unsigned long long)(strtoull(value, NULL, 10) * SECTOR_BYTES));
	add_file(fd, "Partitions", name, "dev", "dev", f);
	add_file(fd, "Partitions", name, "start", "start", f);
}

/* ---- GPUs --------------------------------------------------------------------------------- */

static void add_gpu(int fd, const char *name, struct facts *f)
{
	char text[32];

	state_text_word(fd, "class", text, sizeof(text));
	if (strtoul(text, NULL, 16) >> 16 != PCI_DISPLAY)
		return;
	add_file(fd, "GPUs", name, "vendor", "vendor", f);
	add_file(fd, "GPUs", name, "device", "device", f);
	add_file(fd, "GPUs", name, "subsystem_vendor", "subsystem_vendor", f);
	add_file(fd, "GPUs", name, "subsystem_device", "subsystem_device", f);
	add_link(fd, "GPUs", name, "driver", "driver", f);
}

/* What NVIDIA's driver says: "Model: \t\t NVIDIA A10" among others. */
static void add_nvidia(int fd, const char *name, struct facts *f)
{
	char text[4096], key[KEY_MAX];
	const char *at;

	if (state_text_read(fd, "information", text, sizeof(text)) <= 0)
		return;
	at = strstr(text, "Model:");
	if (!at)
		return;
	at += strlen("Model:");
	at += strspn(at, " \t");
	snprintf(key, sizeof(key), "GPUs/%s/model", name);
	facts_add(f, key, "%.*s", (int)strcspn(at, "\n"), at);
}

/* ---- network ------------------------------------------------------------------------------ */

static void add_network(int fd, const char *name, struct facts *f)
{
	add_file(fd, "Network", name, "type", "type", f);
	add_file(fd, "Network", name, "mtu", "mtu", f);
	add_file(fd, "Network", name, "state", "operstate", f);
	add_file(fd, "Network", name, "speed", "speed", f);
	add_file(fd, "Network", name, "duplex", "duplex", f);
	add_file(fd, "Network", name, "tx_queue_len", "tx_queue_len", f);
	add_link(fd, "Network", name, "driver", "device/driver", f);
}

/* ---- mounts ------------------------------------------------------------------------------- */

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": number of
 * the mount as key; the rest without the parent's number and the fields between
 * options and dash. */
static bool add_mount(struct scan line, struct facts *f)
{
	struct scan id, parent, w[7], word;
	char key[64];
	bool dash = false;

	if (!scan_word(&line, ' ', &id) || !scan_word(&line, ' ', &parent))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (!scan_word(&line, ' ', &w[i]))
			return false;
	while (!dash && scan_word(&line, ' ', &word))
		dash = scan_is(&word, "-");
	for (unsigned i = 4; i < 7; i++)
		if (!scan_word(&line, ' ', &w[i])) {
			if (i < 6)
				return false;
			w[i] = (struct scan){ line.p, line.p };
		}
	snprintf(key, sizeof(key), "Mounts/%.*s", (int)(id.end - id.p), id.p);
#define WORD(i) (int)(w[i].end - w[i].p), w[i].p
	facts_add(f, key, "%.*s %.*s %.*s %.*s %.*s %.*s %.*s", WORD(0),
		  WORD(1), WORD(2), WORD(4), WORD(5), WORD(3), WORD(6));
#undef WORD
	return true;
}

static void add_mounts(const char *root, struct facts *f)
{
	char *text = malloc(MOUNTINFO_MAX), path[PATH_MAX];
	unsigned nr = 0, left_out = 0;
	struct scan s, line;
	ssize_t n;

	if (!text)
		return;
	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	n = state_text_read(-1, path, text, MOUNTINFO_MAX);
	s = (struct scan){ text, text + (n > 0 ? n : 0) };
	while (scan_line(&s, &line)) {
		if (nr == STATE_MOUNTS_MAX)
			left_out++;
		else
			nr += add_mount(line, f);
	}
	if (left_out)
		facts_add(f, "Mounts left out", "%u", left_out);
	free(text);
}

void system_collect_devices(const char *root, struct facts *ret)
{
	each_device(root, "/sys/bus/pci/devices", add_gpu, ret);
	each_device(root, "/proc/driver/nvidia/gpus", add_nvidia, ret);
	each_device(root, "/sys/block", add_storage, ret);
	each_device(root, "/sys/class/block", add_partition, ret);
	each_device(root, "/sys/class/net", add_network, ret);
	add_mounts(root, ret);
}

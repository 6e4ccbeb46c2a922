/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon_open.c - rings, probes, the engine, what looks, dumps: made once. */
#include "recorder/daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "recorder/log.h"
#include "recorder/rules.h"

#define FIRST_CHORES_NS 1000000000ULL

static int open_user_ring(struct daemon *d)
{
	struct ring_lane_share shares[3];
	unsigned nr = state_ring_shares(d->config, shares);
	char path[PATH_MAX];

	recover_keep_user_ring(&d->run);
	runfolder_name(&d->run, RUNFOLDER_RING, path);
	d->ring = ring_user_create(path, state_ring_bytes(d->config), shares,
				   nr, WRITERS);
	if (!d->ring) {
		int err = -errno;

		log_err(err, "cannot make the ring of the sampler, %s", path);
		return err;
	}
	return 0;
}

static size_t inflight(void *arg, uint64_t now_ns, void *buf, size_t size,
		       unsigned *ret_left_out)
{
	return probes_inflight(arg, now_ns, buf, size, ret_left_out);
}

static int probes_off(struct daemon *d, const struct fr_diag *diag)
{
	if (d->probes)
		probes_close(d->probes, false);
	d->probes = NULL;
	d->probes_why = *diag;
	log_err(0,
		"no kernel probes: %s; samples and snapshots on request still work",
		diag->text);
	return 0;
}

/* Without them there is still something to record. */
static int open_probes(struct daemon *d)
{
	struct fr_diag diag = { "unknown" };
	size_t bytes;
	void *ring;
	int err;

	d->probes = probes_open(d->config, &diag);
	if (!d->probes)
		return probes_off(d, &diag);
	ring = probes_ring(d->probes, &bytes);
	err = freeze_add(&d->freeze, ring, bytes, probes_ring_fd(d->probes));
	if (err) {
		log_err(err, "cannot use the ring of the kernel probes");
		return err;
	}
	if (probes_start(d->probes, &diag)) {
		freeze_fini(&d->freeze);
		err = freeze_init(&d->freeze);
		return err ? err : probes_off(d, &diag);
	}
	if (diag.text[0])
		log_err(0,
			"not pinned: %s; recording will not survive the daemon",
			diag.text);
	d->freeze.inflight_fn = inflight;
	d->freeze.inflight_arg = d->probes;
	status_open_hist(d);
	/* Switches run-time statistics on, which takes rights that we drop; the
	 * first round of chores switches them off. */
	probes_seal_offline(d->probes);
	d->chores_ns = daemon_now_ns() + FIRST_CHORES_NS;
	return 0;
}

int daemon_open_rings(struct daemon *d)
{
	int err = freeze_init(&d->freeze);

	if (!err)
		err = open_user_ring(d);
	if (!err)
		err = open_probes(d);
	if (!err) {
		err = freeze_add(&d->freeze, ring_user_head(d->ring),
				 ring_user_bytes(d->ring),
				 ring_user_fd(d->ring));
		if (err)
			log_err(err, "cannot use the ring of the sampler");
	}
	d->recording_ns = daemon_now_ns();
	facts_add(&d->host, "recorder.since_ns", "%llu",
		  (unsigned long long)d->recording_ns);
	if (!err)
		d->dumps.instance =
			ring_view_head(&d->freeze.src[0].view)->instance;
	return err;
}

static uint64_t counts(void *arg, const uint64_t *keys, uint32_t streams,
		       int64_t dev, uint64_t cgroup, uint64_t *counts)
{
	struct hist_filter f = { .streams = streams,
				 .dev = dev,
				 .cgroup = cgroup };

	memcpy(f.keys, keys, sizeof(f.keys));
	return hist_read_filtered(arg, &f, counts);
}

static int open_lookout(struct daemon *d)
{
	d->world.root = "";
	if (d->probes) {
		d->world.arg = d->probes;
		d->world.scan = probes_scan;
		d->world.in_flight = probes_in_flight;
		d->world.paths = probes_paths;
		d->world.slot_counts = probes_slot_counts;
	}
	if (d->hist) {
		d->world.counts_arg = d->hist;
		d->world.counts = counts;
	}
	d->lookout = lookout_new(&d->rules, d->inbox, &d->world);
	return d->lookout ? 0 : -errno;
}

int daemon_open_engine(struct daemon *d)
{
	int err;

	urcu_memb_register_thread();
	d->inbox = inbox_new();
	if (d->inbox)
		d->engine =
			engine_new(&incident_ops, d,
				   d->probes ? probes_limits(d->probes) : NULL,
				   &d->rules);
	if (!d->engine) {
		err = -errno;
		log_err(err, "cannot start the trigger engine");
		return err;
	}
	err = rules_load(d, d->config);
	if (err)
		log_err(err, "cannot load the triggers");
	else
		rules_say_warnings(d, d->config);
	return err ?: open_lookout(d);
}

void daemon_open_dumps(struct daemon *d)
{
	facts_add_config(&d->settings, d->config);
	d->dumps.freeze = &d->freeze;
	d->dumps.host = &d->host;
	d->dumps.config = &d->settings;
	d->dumps.probes = d->probes;
	d->dumps.looks = d->looks;
	d->dumps.joined = joined_new(); /* without it, they are not listed */
	d->dumps.done_fn = incident_dump_done;
	d->dumps.asked_fn = incident_dump_asks;
	d->dumps.done_arg = d;
	daemon_configure_dumps(&d->dumps, d->config, d->gid);
}

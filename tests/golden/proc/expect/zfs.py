# SPDX-License-Identifier: GPL-2.0-or-later
"""man 5 zfs-module-parameters and arc_summary(1) say which are sizes."""
SIZES = {"p", "c", "c_min", "c_max", "size", "compressed_size", "uncompressed_size", "overhead_size",
         "hdr_size", "data_size", "metadata_size", "anon_evictable_data", "mru_size",
         "mfu_evictable_metadata", "l2_asize", "memory_all_bytes", "memory_free_bytes",
         "memory_available_bytes"}
NUMBERS = {"hash_elements", "hash_elements_max", "hash_chains", "hash_chain_max", "l2_log_blk_count"}


def expect(text, row, files):
    for line in text("proc/spl/kstat/zfs/arcstats")[2:]:
        name, _, value = line.split()
        if name in SIZES:
            row("arcstats." + name, "gauge", value, "bytes")
        else:
            row("arcstats." + name, "gauge" if name in NUMBERS else "counter", value)

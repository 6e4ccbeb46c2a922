# SPDX-License-Identifier: GPL-2.0-or-later
# One Makefile for the whole tree; objects under $(O), sources found by name.
# Start with `make help`.
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC        := cc
endif
CLANG     ?= clang
BPFTOOL   ?= bpftool
STRIP_BPF ?= llvm-strip -g
FORMAT    ?= clang-format --style=file:tests/style/clang-format
prefix    ?= /usr/local
sysconfdir ?= /etc
mandir    ?= $(prefix)/share/man
unitdir   ?= /lib/systemd/system
O         ?= build
CFLAGS    ?= -O2 -g
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
             -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef
PKGS      := libbpf liburcu-memb liburcu-cds libzstd libcap inih libseccomp zlib sqlite3
# Debian packages: what the build and the tests need (make deps).
DEB_BUILD := gcc make pkg-config clang llvm bpftool libbpf-dev liburcu-dev \
             libzstd-dev libcap-dev libcmocka-dev libinih-dev libseccomp-dev \
             libelf-dev zlib1g-dev libsqlite3-dev
DEB_TEST  := python3 python3-prometheus-client strace fio sqlite3 git gcc-multilib linux-perf util-linux \
             e2fsprogs procps psmisc iproute2 nftables fuse3 libfuse3-dev spin stress-ng
VERSION   := $(shell git describe --always --dirty 2>/dev/null || echo 0.1)
ARCH      := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
# Tests name the build folder from the root, people from here: both find what an
# object was made of.
DEPS       = -MMD -MP -MT $(abspath $@) -MT $(patsubst $(CURDIR)/%,%,$(abspath $@))
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(SAN) $(DEPS) -D_GNU_SOURCE \
             -DFLIGHTREC_VERSION='"$(VERSION)"' -I. -Iinclude -isystem $(O)/gen \
             -include tests/style/banned.h $(PKG_CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# libcrypt whatever: the sanitizer's own crypt_r() makes it look unneeded.
LDLIBS    := -Wl,--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null) -Wl,--push-state,--no-as-needed -lcrypt -Wl,--pop-state -lpthread -lm

ifeq ($(V),1)
say =
Q   =
else
say = @printf '  %-8s %s\n' '$1' '$(@:$(O)/%=%)';
Q   = @
endif

# --- what there is ---------------------------------------------------------
bpf_src  := $(wildcard bpf/*.bpf.c)
bpf_names := $(sort $(bpf_src:bpf/%.bpf.c=%))
sys_src   := $(sort $(wildcard bpf/sys_*.bpf.h))
sys_names := $(sys_src:bpf/sys_%.bpf.h=%)
upper      = $(shell echo $1 | tr a-z A-Z)
skels    := $(bpf_names:%=$(O)/gen/%.skel.h)
mains    := recorder/main.c dump/main.c
lib_src  := $(filter-out $(mains),$(wildcard recorder/*.c recorder/collectors/*.c \
            triggers/*.c triggers/detectors/*.c dump/*.c dump/exporters/*.c dump/trigger/*.c))
lib_obj  := $(lib_src:%.c=$(O)/%.o)
lists    := $(O)/gen/collector_list.o $(O)/gen/detector_list.o $(O)/gen/command_list.o \
            $(O)/gen/exporter_list.o $(O)/gen/trigger_cmd_list.o
lib      := $(O)/libflightrec.a
unit     := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/test_*.c))
stress   := $(patsubst tests/stress/%.c,$(O)/tests/stress/%,$(wildcard tests/stress/*.c))
helpers  := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/kernel/*.c tests/bench/*.c))
fuzzers  := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all deps test demo bench soak asan tsan fuzz vmtest lint format install \
        uninstall clean help unit-programs test-programs man
all: $(O)/flightrecd $(O)/flightrec man ## build everything

$(O)/flightrecd: $(O)/recorder/main.o $(lib)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/flightrec: $(O)/dump/main.o $(lib)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(lib): $(lib_obj) $(lists)
	$(call say,AR)rm -f $@ && ar rcs $@ $^

$(O)/%.o: %.c | $(O)/gen/probe_list.h
	$(Q)mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(O)/gen/%.o: $(O)/gen/%.c | $(O)/gen/probe_list.h
	$(call say,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# --- generated -------------------------------------------------------------
# A module is a file: recorder/collectors/foo.c defines collector_foo,
# triggers/detectors/foo.c detector_foo, dump/cmd_foo.c cmd_foo,
# dump/exporters/foo.c exporter_foo, dump/trigger/foo.c trigger_cmd_foo.
# list: $1 kind, $2 header, $3 folder, $4 type, $5 names
define list
	$(Q)mkdir -p $(@D)
	$(call say,GEN){ echo '#include <stddef.h>'; echo '#include "$2"'; \
	  $(foreach n,$5,echo 'extern const struct $4 $1_$n;';) \
	  echo 'const struct $4 *const $1_all[] = {'; \
	  $(foreach n,$5,echo '	&$1_$n,';) echo '	NULL'; echo '};'; } > $@
endef
names = $(sort $(basename $(notdir $(wildcard $1))))
$(O)/gen/collector_list.c: recorder/collectors Makefile
	$(call list,collector,recorder/collector.h,,collector_ops,$(call names,recorder/collectors/*.c))
$(O)/gen/detector_list.c: triggers/detectors Makefile
	$(call list,detector,triggers/detector.h,,detector_ops,$(call names,triggers/detectors/*.c))
$(O)/gen/command_list.c: dump Makefile
	$(call list,cmd,dump/command.h,,command_ops,$(patsubst cmd_%,%,$(call names,dump/cmd_*.c)))
$(O)/gen/trigger_cmd_list.c: dump/trigger Makefile
	$(call list,trigger_cmd,dump/command.h,,command_ops,$(call names,dump/trigger/*.c))
$(O)/gen/exporter_list.c: dump/exporters Makefile
	$(call list,exporter,dump/exporter.h,,exporter_ops,$(call names,dump/exporters/*.c))

# The probes: programs are named <stream>_<name>_<mechanism>[_<variant>], the
# stream as its file.  Each is X(ID, stream, name) in FR_PROBES (shared.h); those
# of bpf/sys_<stream>.bpf.h, which have no program, in FR_CARRIED_PROBES.
mechanisms := tp_btf|tracepoint|raw_tp|fentry|fexit|kprobe|kretprobe|perf_event|syscall
$(O)/gen/probe_list.h: $(bpf_src) $(sys_src) bpf Makefile
	$(Q)mkdir -p $(@D)
	$(call say,GEN){ echo '#define FR_PROBES(X) \'; $(foreach n,$(bpf_names), \
	  grep -oE '\b$n_[a-z0-9]+_($(mechanisms))' bpf/$n.bpf.c | \
	  sed -E 's/^$n_([a-z0-9]+)_.*/\1/' | sort -u | while read -r p; do \
	  printf '\tX(%s, $n, %s) \\\n' "$$(echo $n_$$p | tr a-z A-Z)" "$$p"; done;) echo; \
	  echo '#define FR_CARRIED_PROBES(X) \'; $(foreach n,$(sys_names), \
	  printf '\tX($(call upper,$n)_CALL, $n, call) \\\n';) echo; } > $@
$(O)/gen/sys_streams.h: $(sys_src) bpf Makefile
	$(Q)mkdir -p $(@D)
	$(call say,GEN){ $(foreach n,$(sys_names),echo '#include "sys_$n.bpf.h"';) \
	  echo '#define SYS_STREAMS(X) \'; \
	  $(foreach n,$(sys_names),echo '	X($n, $(call upper,$n)) \';) echo; } > $@

$(O)/gen/%.bpf.o: bpf/%.bpf.c | $(O)/gen/probe_list.h $(O)/gen/sys_streams.h
	$(Q)mkdir -p $(@D)
	$(call say,BPF)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) \
	  -Wall -Wno-unused-function -idirafter /usr/include/$(shell $(CC) -dumpmachine) $(DEPS) -MF $(O)/gen/$*.bpf.d -Iinclude -Ibpf \
	  -I$(O)/gen -c -o $@ $< && $(STRIP_BPF) $@
$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf > $@
# One table of all BPF objects: name and ELF bytes.
$(O)/gen/bpf_list.h: $(skels) Makefile
	$(call say,GEN){ $(foreach n,$(bpf_names),echo '#include "$n.skel.h"';) \
	  echo 'static const struct { const char *name; const void *(*bytes)(size_t *); } bpf_objects[] = {'; \
	  $(foreach n,$(bpf_names),echo '	{ "$n", $n_bpf__elf_bytes },';) echo '};'; } > $@
$(O)/recorder/probe_load.o: $(O)/gen/bpf_list.h
$(O)/recorder/state_tasks.o: $(O)/gen/bpf_list.h
# Numbers of 32-bit system calls beside the native ones.
$(O)/gen/unistd_32.h: Makefile
	$(Q)mkdir -p $(@D)
	$(call say,GEN)h=$$(for f in /usr/include/$(shell uname -m)-linux-gnu/asm/unistd_32.h \
	  /usr/include/asm/unistd_32.h; do [ -f $$f ] && echo $$f && break; done); \
	  if [ -n "$$h" ]; then sed -n 's/#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/#define __NR32_\1 \2/p' $$h; fi > $@
$(O)/gen/calls_nr.h: include/flightrec/calls.def Makefile
	$(Q)mkdir -p $(@D)
	$(call say,GEN){ sed -n 's/^FR_CALL(\([0-9]*\), \([a-z0-9_]*\),.*/#ifdef __NR_\2\n{ \1, __NR_\2, -1 },\n#endif/p' $<; \
	  sed -n 's/^FR_CALL\(32\)\?(\([0-9]*\), \([a-z0-9_]*\),.*/#ifdef __NR32_\3\n{ \2, -1, __NR32_\3 },\n#endif/p' $<; } > $@
$(O)/recorder/probe_calls.o: $(O)/gen/unistd_32.h $(O)/gen/calls_nr.h
# Names of all system calls: { number, is 32-bit, name }.
$(O)/gen/call_names.h: $(O)/gen/unistd_32.h Makefile
	$(call say,GEN){ echo '#include <asm/unistd.h>' | $(CC) -E -dM - | \
	  sed -n '/__NR_syscalls /d;/__NR_arch_specific_syscall /d;s/^#define __NR_\([a-z0-9_]*\) .*/{ __NR_\1, false, "\1" },/p' | sort; \
	  sed -n 's/^#define __NR32_\([a-z0-9_]*\) \([0-9]*\)$$/{ \2, true, "\1" },/p' $<; } > $@
$(O)/dump/calls_names.o: $(O)/gen/call_names.h
$(O)/dump/calls_count.o: $(O)/gen/bpf_list.h

man_made := flightrec-events.7 flightrec-csv.5 flightrecd.conf.5 flightrec-sampler.7
man: $(man_made:%=$(O)/man/%) ## the manual pages that are generated
$(O)/man/%: $(O)/host/man_print
	$(Q)mkdir -p $(@D)
	$(call say,MAN)$(O)/host/man_print $* < $(or $(wildcard man/$*.in),/dev/null) > $@
$(O)/man/flightrec-sampler.7: man/flightrec-sampler.7.in
$(O)/host/man_print: $(O)/tests/style/man_print.o $(lib)
	$(Q)mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- checks ----------------------------------------------------------------
$(O)/tests/unit/%: $(O)/tests/unit/%.o $(lib)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka
$(O)/tests/stress/%: $(O)/tests/stress/%.o $(lib)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tests/%: $(O)/tests/%.o $(lib)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tests/kernel/slowfs: LDLIBS += $(shell pkg-config --libs fuse3 2>/dev/null)
$(O)/tests/kernel/slowfs.o: PKG_CFLAGS += $(shell pkg-config --cflags fuse3 2>/dev/null)
unit-programs: $(unit) $(stress)
test-programs: unit-programs $(helpers)

deps: ## install what is missing (Debian), or say what is needed
	$(Q)tests/deps.sh $(DEB_BUILD) $(DEB_TEST)
test: deps ## install, build, run everything this machine can run
	$(Q)$(MAKE) --no-print-directory all test-programs
	$(Q)O=$(O) tests/run.sh
demo: ## build, record a slow operation, print the report
	$(Q)tests/deps.sh $(DEB_BUILD)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/demo.sh
bench: all test-programs ## cost, bytes per event, dump speed, beside the peers
	$(Q)O=$(O) tests/bench/run.sh
soak: all test-programs ## long runs: drift, stress
	$(Q)O=$(O) tests/run.sh soak
vmtest: all test-programs ## kernel tests on other kernels (KERNELS="6.1 6.12")
	$(Q)O=$(O) tests/vm/run.sh $(KERNELS)
asan: ## unit and stress tests, and 10,000 reloads of the recorder, under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory O=$(O)/asan SAN='-fsanitize=address,undefined -fno-omit-frame-pointer' all unit-programs
	$(Q)O=$(O)/asan SLOWER=5 tests/run.sh unit stress
	$(Q)O=$(O)/asan bash tests/kernel/reloads.sh 10000 || [ $$? = 77 ]
tsan: ## unit and stress tests under TSan
	$(Q)$(MAKE) --no-print-directory O=$(O)/tsan SAN=-fsanitize=thread unit-programs
	$(Q)O=$(O)/tsan SLOWER=10 tests/run.sh unit stress
# The library once more, as the fuzzers need it.
FUZZ_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DFLIGHTREC_VERSION='"fuzz"' -g -O1 $(DEPS) \
              -I. -Iinclude -isystem $(O)/gen -include tests/style/banned.h $(PKG_CFLAGS)
fuzz_obj := $(lib_src:%.c=$(O)/fuzz/obj/%.o) \
            $(patsubst $(O)/gen/%.o,$(O)/fuzz/obj/gen/%.o,$(lists))
$(O)/fuzz/obj/gen/%.o: $(O)/gen/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CLANG)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(O)/fuzz/obj/%.o: %.c | $(O)/gen/bpf_list.h $(O)/gen/unistd_32.h $(O)/gen/calls_nr.h $(O)/gen/call_names.h
	$(Q)mkdir -p $(@D)
	$(call say,CLANG)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(O)/fuzz/%: tests/fuzz/%.c $(O)/gen/probe_list.h $(fuzz_obj)
	$(Q)mkdir -p $(@D)
	$(call say,FUZZ)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.c %.o,$^) $(LDLIBS)
fuzz: $(fuzzers) ## each fuzzer for FUZZ_SECS (10) seconds
	$(Q)for f in $(fuzzers); do mkdir -p $(O)/corpus/$${f##*/}; \
	  $$f -max_total_time=$(or $(FUZZ_SECS),10) -verbosity=0 $(O)/corpus/$${f##*/} \
	  $$(ls -d tests/fuzz/corpus/$${f##*/} 2>/dev/null) || exit 1; done

tracked = $(shell git ls-files '*.c' '*.h' 2>/dev/null)
format: ; $(FORMAT) -i $(tracked) ## rewrite sources in house style
lint: ## style and static checks, changes nothing
	$(Q)tests/style/lint.sh

install: all ## into DESTDIR, prefix, sysconfdir, unitdir
	install -D -m 755 $(O)/flightrecd $(DESTDIR)$(prefix)/sbin/flightrecd
	install -D -m 755 $(O)/flightrec $(DESTDIR)$(prefix)/bin/flightrec
	for m in man/*.[1578] $(O)/man/*.[1578]; do [ -f $$m ] || continue; \
	  install -D -m 644 $$m $(DESTDIR)$(mandir)/man$${m##*.}/$${m##*/}; done
	install -d -m 750 $(DESTDIR)/var/lib/flightrec/snapshots
	$(O)/flightrecd --print-example > $(O)/flightrec.conf
	[ -f $(DESTDIR)$(sysconfdir)/flightrec/flightrec.conf ] || \
	  install -D -m 644 $(O)/flightrec.conf $(DESTDIR)$(sysconfdir)/flightrec/flightrec.conf
	install -d $(DESTDIR)$(sysconfdir)/flightrec/conf.d
	sed 's|@sbindir@|$(prefix)/sbin|' recorder/flightrecd.service.in > $(O)/flightrecd.service
	install -D -m 644 $(O)/flightrecd.service $(DESTDIR)$(unitdir)/flightrecd.service
uninstall: ## what install put there; configuration and snapshots stay
	rm -f $(DESTDIR)$(prefix)/sbin/flightrecd $(DESTDIR)$(prefix)/bin/flightrec \
	  $(DESTDIR)$(unitdir)/flightrecd.service
	for m in man/*.[1578] $(man_made); do rm -f $(DESTDIR)$(mandir)/man$${m##*.}/$${m##*/}; done
clean: ; $(Q)rm -rf $(O) ## remove the build folder
help: ## this list
	$(Q)grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t-/'

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# SPDX-License-Identifier: GPL-2.0
#
# ALSA audio modules: one entry for the kernel modules, the userspace and their tests.
#
# Nothing is built in the source tree: all goes to .build/. "demo", "test" and "shell" run in a
# QEMU guest with Debian's own kernel and install, fetch and build what is missing by themselves;
# this machine's kernel is touched by "install" only. "make help" lists the targets, V=1 shows
# the commands.

BUILD	:= $(CURDIR)/.build
GUEST	:= $(BUILD)/guest
GUESTDIR := selftests/guest

# The kernel to build for: the running one, or the guest's for the guest targets.
KERNELDIR ?= /lib/modules/$(shell uname -r)/build
UTSRELEASE = $(KERNELDIR)/include/generated/utsrelease.h
KERNELRELEASE := $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(UTSRELEASE) 2>/dev/null),\
			$(shell uname -r))
MODULES	= $(BUILD)/modules/$(KERNELRELEASE)

PREFIX	?= /usr
DESTDIR	?=

# What drivers outside of this tree are built with. The versions of our symbols are one kernel's, as
# the modules are, so each kernel that they were installed for has a folder.
HEADERS	= $(PREFIX)/src/alsa-audio-modules-headers-$(KERNELRELEASE)

# The kernel that the guest boots, and those that "check" tests: names from
# selftests/guest/kernels; all but the first when KERNELS is empty.
KERNEL	?= 6.1
KERNELS	?=
# The tests that "sanitize" and "valgrind" run: all that use userspace when it is empty.
TESTS	?=
# The faults that "planted" tries: names in selftests/planted; all of them when it is empty.
PLANTED	?=
# Those that "mutate" tries: names in selftests/mutants/kernel; all of them when it is empty.
MUTANTS	?=

# What "fuzz-userspace" tries: all of selftests/fuzz when it is empty.
TARGETS	?=
# How long that takes for each of it, and "fuzz" as a whole; when it is empty 600 and 7200.
SECONDS	?=

# The kernel's tools/testing/selftests: the cached copy, unless the caller has a tree of his own.
KSELFTEST_DIR ?= $(shell $(GUESTDIR)/source.sh path)/tools/testing/selftests

# What this is a version of is said in one place; so is which kernels the modules are for.
VERSION	:= $(shell sed -n 's/^VERSION.*:= //p' userspace/Makefile)
DKMS	:= userspace/packaging/dkms
DKMS_TREE = /usr/src/alsa-audio-modules-$(VERSION)
first_kernel = $(shell sed -n 's/^FIRST=//p' $(DKMS)/supported-kernels)
last_kernel = $(shell sed -n 's/^LAST=//p' $(DKMS)/supported-kernels)

V	?= 0
ifeq ($(V),0)
Q	:= @
QUIET	:= --no-print-directory -s
else
Q	:=
QUIET	:= --no-print-directory
endif
export V
say	= @printf '  %-7s %s\n' $(1)

# Sub-makes use every core, unless the caller said how many. What they make can be read by the
# guest's ordinary users, whatever the caller's umask is.
JOBS	= $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE	= +$(Q)umask 022; $(MAKE) $(QUIET) $(JOBS)

all: modules userspace

help:
	@echo 'make                 kernel modules (KERNELDIR=) and userspace, into .build/'
	@echo 'make demo            the story end to end, in a guest; installs what it needs'
	@echo 'make test            the selftests, in guests (TAP), and the conformance table'
	@echo 'make test-tools      doctor, the manual pages and the examples, in the guest'
	@echo 'make test-packages   installs, upgrades and purges the Debian packages in a guest'
	@echo 'make test-desktop    beside PipeWire and a stock HDA driver, in a guest'
	@echo 'make test-secure-boot  signs the modules, and enrols the key in a guest'
	@echo 'make test-tree       builds the kernel part inside of two kernel trees'
	@echo 'make bench           what a notification costs, in instructions (RECORD=1)'
	@echo 'make conformance     selftests/conformance.md of its rows'
	@echo 'make check           the selftests on every kernel: debug, RT, old and new (KERNELS=)'
	@echo 'make torture         the long tests: 10 million notifications, 1000 unloads (KERNELS=)'
	@echo 'make sanitize        library, daemon and audiomodulectl under the sanitizers (TESTS=)'
	@echo 'make valgrind        library and daemon under memcheck; takes much longer (TESTS=)'
	@echo 'make planted         are its nets there? faults put into the code, each to be caught'
	@echo 'make mutate          do the tests notice? faults put into the modules (MUTANTS=)'
	@echo 'make coverage        which lines of the modules the tests run, by gcov'
	@echo 'make reports         copies what the last long runs reported into selftests/reports/'
	@echo 'make lint            the sources, read by compilers and checkers'
	@echo 'make model           the journal for spin: every order of steps (LARGE=1)'
	@echo 'make ring            the journal in a program: its races, and its rate on these CPUs'
	@echo 'make fuzz            the kernel modules, given any calls (SECONDS=7200)'
	@echo 'make fuzz-userspace  what reads foreign bytes, given any (TARGETS=, SECONDS=600)'
	@echo 'make shell           a prompt in the guest, everything built and installed in it'
	@echo 'make install         modules and userspace on this machine (PREFIX=, DESTDIR=)'
	@echo 'make uninstall       takes that back'
	@echo 'make unload          unloads the modules, or says who holds them'
	@echo 'make sign            signs the built modules for Secure Boot (KEY=, CERTIFICATE=); signing-key'
	@echo 'make dkms-install    modules by dkms, also for kernels that come later; dkms-remove'
	@echo 'make deb             Debian packages of it, into .build/deb/'
	@echo 'make modules | userspace | selftests    one part'
	@echo 'make clean           removes what was built; distclean: all of .build/'
	@echo
	@echo 'Downloads are kept in $${XDG_CACHE_HOME:-~/.cache}/alsa-audio-modules, or in'
	@echo 'AUDIO_MODULE_CACHE; remove that folder to get a newer kernel and guest system.'

# --- Kernel modules -----------------------------------------------------------------------------
# Kbuild writes next to the sources, so it is given a copy: same paths, contents compared, so that
# an unchanged file keeps its time; files that are gone from the tree go from the copy.

define copy_sources
	mkdir -p $(MODULES); \
	find $(wildcard module include Kconfig) -type f | LC_ALL=C sort > $(MODULES)/sources.new; \
	if [ -e $(MODULES)/sources ]; then \
		LC_ALL=C comm -23 $(MODULES)/sources $(MODULES)/sources.new | \
			(cd $(MODULES) && xargs -r rm -f); \
	fi; \
	while read -r file; do \
		cmp -s "$$file" "$(MODULES)/$$file" && continue; \
		cp --parents "$$file" $(MODULES)/ || exit 1; \
	done < $(MODULES)/sources.new; \
	mv $(MODULES)/sources.new $(MODULES)/sources
endef

check_kernel_headers:
	@[ -e $(KERNELDIR)/Makefile ] || { \
		echo 'make: no kernel headers in $(KERNELDIR)'; \
		echo 'make: to fix it: apt-get install linux-headers-$(KERNELRELEASE),' \
			'or set KERNELDIR'; \
		exit 1; \
	} >&2

modules: check_kernel_headers
	$(call say,BUILD "modules ($(KERNELRELEASE))")
	$(Q)$(copy_sources)
	$(SUBMAKE) -C $(KERNELDIR) M=$(MODULES)/module CONFIG_DEBUG_INFO_BTF_MODULES= modules

# --- Userspace and selftests --------------------------------------------------------------------

userspace:
	$(call say,BUILD userspace)
	$(SUBMAKE) -C userspace O=$(BUILD)/userspace

selftests: guest_source userspace
	$(call say,BUILD selftests)
	$(Q)mkdir -p $(BUILD)/selftests
	$(SUBMAKE) -C selftests KSELFTEST_DIR=$(KSELFTEST_DIR) OUTPUT=$(BUILD)/selftests

# --- This machine -------------------------------------------------------------------------------

# As root only what was built before is copied: nothing in the tree becomes root's.
install:
	$(call say,INSTALL "modules to $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates")
	$(Q)install -d $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates
	$(Q)install -m 644 $$(find $(MODULES)/module -name '*.ko') \
		$(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates/
	$(Q)[ -n "$(DESTDIR)" ] || PATH=$$PATH:/usr/sbin:/sbin depmod $(KERNELRELEASE)
	$(call say,INSTALL "headers for drivers to $(DESTDIR)$(HEADERS)")
	$(Q)cd $(MODULES) && $(CURDIR)/$(DKMS)/driver-headers.sh install \
		$(abspath $(DESTDIR)$(HEADERS))
	$(call say,INSTALL "userspace to $(DESTDIR)$(PREFIX)")
	$(SUBMAKE) -C userspace install O=$(BUILD)/userspace PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

# Secure Boot lets in what a key signed that the machine's owner enrolled. These are where dkms, too,
# has its own.
KEY	?= /var/lib/dkms/mok.key
CERTIFICATE ?= /var/lib/dkms/mok.pub

sign:
	@[ -r $(KEY) ] && [ -r $(CERTIFICATE) ] || { \
		echo 'make: there is no key $(KEY) with its certificate $(CERTIFICATE)'; \
		echo 'make: to fix it: sudo make signing-key, or set KEY and CERTIFICATE'; \
		exit 1; \
	} >&2
	@[ -x $(KERNELDIR)/scripts/sign-file ] || { \
		echo 'make: $(KERNELDIR) has no scripts/sign-file'; \
		echo 'make: to fix it: apt-get install linux-headers-$(KERNELRELEASE),' \
			'or set KERNELDIR'; \
		exit 1; \
	} >&2
	@[ -d $(MODULES)/module ] || { \
		echo 'make: no modules are built for $(KERNELRELEASE)'; \
		echo 'make: to fix it: make modules'; \
		exit 1; \
	} >&2
	$(Q)for module in $$(find $(MODULES)/module -name '*.ko'); do \
		if tail -c 28 $$module | grep -q '~Module signature appended~'; then \
			echo "make: $${module##*/} is signed already; 'make clean modules' makes it anew"; \
			continue; \
		fi; \
		printf '  %-7s %s\n' SIGN "$${module##*/}"; \
		$(KERNELDIR)/scripts/sign-file sha256 $(KEY) $(CERTIFICATE) $$module || exit; \
	done
	@! command -v mokutil >/dev/null || mokutil --test-key $(CERTIFICATE) || :

signing-key:
	@[ ! -e $(KEY) ] || { \
		echo 'make: $(KEY) is there already: it may be enrolled, and is kept' >&2; \
		exit 1; \
	}
	$(call say,GEN "$(KEY) $(CERTIFICATE)")
	$(Q)install -d $(dir $(KEY)) $(dir $(CERTIFICATE))
	@command -v openssl >/dev/null || { \
		echo 'make: openssl is not installed' >&2; \
		echo 'make: to fix it: apt-get install openssl' >&2; \
		exit 1; \
	}
	$(Q)umask 077; openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 -batch -sha256 \
		-subj '/CN=alsa-audio-modules on $(shell uname -n)/' \
		-addext extendedKeyUsage=codeSigning -addext basicConstraints=critical,CA:FALSE \
		-outform DER -keyout $(KEY) -out $(CERTIFICATE)
	$(Q)chmod 644 $(CERTIFICATE)
	@echo 'Enrol it, once: sudo mokutil --import $(CERTIFICATE)'
	@echo 'mokutil asks for a password; the machine asks for it when it starts anew.'

uninstall:
	$(call say,REMOVE "modules from $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates")
	$(Q)rm -f $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates/snd-audio-module*.ko
	$(Q)[ -n "$(DESTDIR)" ] || PATH=$$PATH:/usr/sbin:/sbin depmod $(KERNELRELEASE)
	$(call say,REMOVE "headers for drivers from $(DESTDIR)$(HEADERS)")
	$(Q)$(DKMS)/driver-headers.sh remove $(DESTDIR)$(HEADERS)
	$(call say,REMOVE "userspace from $(DESTDIR)$(PREFIX)")
	$(SUBMAKE) -C userspace uninstall O=$(BUILD)/userspace PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

# doctor says who holds a card that cannot be unloaded.
CTL	= $(or $(wildcard $(BUILD)/userspace/audiomodulectl),audiomodulectl)

unload:
	$(Q)PATH=$$PATH:/usr/sbin:/sbin; for module in snd_audio_module_virtual snd_audio_module; do \
		[ ! -d /sys/module/$$module ] || rmmod $$module || { \
			$(CTL) doctor --local | grep -A 1 busy >&2; exit 1; \
		}; \
	done

# --- Packages: dkms, Debian -------------------------------------------------------------------------

FILL_IN = sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@FIRST@|$(first_kernel)|g' \
	-e 's|@LAST@|$(last_kernel)|g'

# dkms wants its file at the root of what it builds, so that tree is put together.
dkms-tree:
	$(call say,INSTALL "sources of the modules to $(DESTDIR)$(DKMS_TREE)")
	$(Q)rm -rf $(DESTDIR)$(DKMS_TREE)
	$(Q)umask 022; install -d $(DESTDIR)$(DKMS_TREE)/unsupported/virtual; \
	cp -r Kconfig module include $(DESTDIR)$(DKMS_TREE)/; \
	cp $(DKMS)/unsupported/*.[ch] $(DESTDIR)$(DKMS_TREE)/unsupported/; \
	cp $(DKMS)/unsupported/virtual/* $(DESTDIR)$(DKMS_TREE)/unsupported/virtual/; \
	install $(DKMS)/driver-headers.sh $(DESTDIR)$(DKMS_TREE)/; \
	$(FILL_IN) $(DKMS)/unsupported/Kbuild.in >$(DESTDIR)$(DKMS_TREE)/unsupported/Kbuild; \
	$(FILL_IN) $(DKMS)/dkms.conf.in >$(DESTDIR)$(DKMS_TREE)/dkms.conf

check_dkms:
	@command -v dkms >/dev/null || [ -x /usr/sbin/dkms ] || { \
		echo 'make: dkms is not installed'; \
		echo 'make: to fix it: apt-get install dkms linux-headers-$(KERNELRELEASE)'; \
		exit 1; \
	} >&2

# dkms builds them for this kernel at once, and for each that is installed later.
dkms-install: check_dkms check_kernel_headers dkms-tree
	$(Q)PATH=$$PATH:/usr/sbin; dkms install --force -k $(KERNELRELEASE) \
		alsa-audio-modules/$(VERSION)

dkms-remove: check_dkms
	$(Q)PATH=$$PATH:/usr/sbin; [ ! -d /var/lib/dkms/alsa-audio-modules/$(VERSION) ] || \
		dkms remove --all alsa-audio-modules/$(VERSION)
	$(call say,REMOVE "$(DKMS_TREE)")
	$(Q)rm -rf $(DKMS_TREE)

deb:
	$(Q)$(GUESTDIR)/packages.sh install build deb
	$(call say,BUILD "Debian packages ($(VERSION))")
	$(Q)userspace/packaging/deb.sh $(BUILD)/deb $(VERSION)

# --- The guest ----------------------------------------------------------------------------------
# .build/guest is /mnt/build inside: modules/ (the .ko files), depmod/ (indexes that know them),
# root/ (userspace as installed; goes over the guest's own root), selftests/, driver/ and examples/
# (of a driver and of applications, built with what is installed), rivals/ (what others notify with).

guest_packages:
	$(Q)$(GUESTDIR)/packages.sh install build guest

guest_system: guest_packages
	$(Q)$(GUESTDIR)/kernel.sh get $(KERNEL)
	$(Q)$(GUESTDIR)/image.sh

guest_source: guest_packages
	$(Q)$(GUESTDIR)/source.sh

guest_modules: guest_system
	+$(Q)$(GUESTDIR)/stage-modules.sh $(KERNEL) $(GUEST)

guest_userspace: guest_packages userspace
	$(Q)rm -rf $(GUEST)/root
	$(SUBMAKE) -C userspace install O=$(BUILD)/userspace PREFIX=/usr DESTDIR=$(GUEST)/root

guest_driver: guest_modules guest_userspace
	+$(Q)$(GUESTDIR)/stage-driver.sh $(KERNEL) $(GUEST)

guest_examples: guest_packages userspace
	+$(Q)$(GUESTDIR)/stage-examples.sh $(GUEST)

guest_rivals: guest_system
	+$(Q)$(GUESTDIR)/stage-rivals.sh $(KERNEL) $(GUEST)

guest_script:
	$(Q)install -D -m 755 -t $(GUEST)/selftests selftests/run-in-guest.sh selftests/demo.sh

guest_selftests: guest_source userspace
	$(SUBMAKE) selftests
	$(Q)rm -rf $(GUEST)/selftests
	$(SUBMAKE) -C selftests install KSELFTEST_DIR=$(KSELFTEST_DIR) \
		OUTPUT=$(BUILD)/selftests INSTALL_PATH=$(GUEST)/selftests

demo: guest_modules guest_userspace guest_script
	$(call say,GUEST "booting kernel $$($(GUESTDIR)/kernel.sh version $(KERNEL))")
	$(Q)$(GUESTDIR)/run.sh --kernel $(KERNEL) -- /mnt/build/selftests/run-in-guest.sh demo

test: guest_driver guest_examples guest_selftests guest_script
	$(call say,GUEST "booting kernel $$($(GUESTDIR)/kernel.sh version $(KERNEL))")
	$(Q)$(GUESTDIR)/test.sh $(KERNEL)

test-tools: guest_driver guest_examples guest_selftests guest_script
	$(call say,GUEST "booting kernel $$($(GUESTDIR)/kernel.sh version $(KERNEL))")
	$(Q)$(GUESTDIR)/run.sh --kernel $(KERNEL) --timeout 1800 -- \
		/mnt/build/selftests/run-in-guest.sh tools

test-packages: guest_packages
	$(Q)$(GUESTDIR)/packages.sh install deb
	+$(Q)$(GUESTDIR)/debian.sh

test-desktop: guest_modules guest_userspace
	$(Q)$(GUESTDIR)/desktop.sh $(GUEST)

test-secure-boot: guest_modules guest_userspace
	$(Q)$(GUESTDIR)/packages.sh install secure-boot
	+$(Q)$(GUESTDIR)/secure-boot.sh $(GUEST)

test-tree: guest_packages
	$(Q)$(GUESTDIR)/packages.sh install check
	+$(Q)$(GUESTDIR)/tree.sh

bench: guest_modules guest_rivals guest_userspace guest_selftests guest_script
	$(Q)$(GUESTDIR)/packages.sh install bench
	$(Q)$(GUESTDIR)/bench.sh $(KERNEL) $(if $(RECORD),record)

# Of selftests/conformance.rows; "test" adds the results, in .build/conformance.md.
conformance:
	$(call say,TABLE selftests/conformance.md)
	$(Q)$(GUESTDIR)/conformance.sh table

# Before the selftests: with its packages they are built as 32-bit programs, too.
check_packages: guest_packages
	$(Q)$(GUESTDIR)/packages.sh install check

check: check_packages guest_userspace guest_selftests guest_script
	+$(Q)$(GUESTDIR)/check.sh $(GUEST) $(KERNELS)

torture: check_packages guest_userspace guest_selftests guest_script
	+$(Q)$(GUESTDIR)/check.sh --torture $(GUEST) $(KERNELS)

sanitize: guest_driver guest_selftests guest_script
	$(Q)$(GUESTDIR)/sanitize.sh sanitizers $(KERNEL) $(TESTS)

valgrind: guest_driver guest_selftests guest_script
	$(Q)$(GUESTDIR)/sanitize.sh valgrind $(KERNEL) $(TESTS)

planted: check_packages guest_userspace guest_selftests guest_script
	$(Q)$(GUESTDIR)/packages.sh install lint
	+$(Q)$(GUESTDIR)/plant.sh $(GUEST) $(PLANTED)

mutate: check_packages guest_userspace guest_selftests guest_script
	+$(Q)$(GUESTDIR)/mutate.sh $(GUEST) $(MUTANTS)

coverage: check_packages guest_userspace guest_selftests guest_script
	$(Q)$(GUESTDIR)/packages.sh install coverage
	+$(Q)$(GUESTDIR)/coverage.sh $(GUEST)

# The last reports of the commands that are too long for CI, to be committed.
reports:
	$(Q)for name in torture mutate coverage fuzz-kernel model ring; do \
		[ ! -e $(BUILD)/$$name/report.md ] || \
			cp -v $(BUILD)/$$name/report.md selftests/reports/$${name%-kernel}.md; \
	done

shell: guest_driver guest_examples guest_selftests guest_script
	$(call say,GUEST "the prompt comes in some seconds; 'exit' powers the guest off")
	$(Q)$(GUESTDIR)/run.sh --kernel $(KERNEL) --shell

lint: guest_packages guest_source
	$(Q)$(GUESTDIR)/packages.sh install lint
	$(Q)$(GUESTDIR)/kernel.sh get 6.1
	$(Q)$(GUESTDIR)/lint.sh

model: guest_packages
	$(Q)$(GUESTDIR)/packages.sh install lint
	$(Q)$(GUESTDIR)/report.sh "make model$(if $(LARGE), LARGE=1)" $(BUILD)/model/report.md \
		selftests/model/run.sh $(BUILD)/model $(if $(LARGE),large)

ring:
	$(SUBMAKE) -C selftests/ring O=$(BUILD)/ring
	$(call say,RUN "ring-tsan torture; ring rate: NAME MEDIAN LEAST MOST")
	$(Q)$(GUESTDIR)/report.sh "make ring" $(BUILD)/ring/report.md sh -ec \
		'setarch $$(uname -m) -R $(BUILD)/ring/ring-tsan torture; $(BUILD)/ring/ring rate'

fuzz: check_packages guest_userspace guest_selftests guest_script
	$(Q)$(GUESTDIR)/packages.sh install fuzz
	+$(Q)$(GUESTDIR)/fuzz.sh run $(GUEST) $(or $(SECONDS),7200) $(KERNELS)

fuzz-userspace: guest_packages
	$(Q)$(GUESTDIR)/packages.sh install fuzz
	+$(Q)selftests/fuzz/run.sh run $(BUILD)/fuzz $(or $(SECONDS),600) $(TARGETS)

# --- Tidying ------------------------------------------------------------------------------------

clean:
	$(Q)rm -rf $(BUILD)/modules $(BUILD)/userspace $(BUILD)/selftests $(GUEST) \
		$(BUILD)/check $(BUILD)/torture $(BUILD)/planted $(BUILD)/mutate $(BUILD)/coverage $(BUILD)/test* \
		$(BUILD)/conformance.* $(BUILD)/sanitize $(BUILD)/valgrind \
		$(BUILD)/bench.* $(BUILD)/bench-* $(BUILD)/ring \
		$(BUILD)/model $(BUILD)/fuzz $(BUILD)/fuzz-kernel $(BUILD)/deb \
		$(BUILD)/packages $(BUILD)/desktop $(BUILD)/secure-boot

distclean: clean
	$(Q)rm -rf $(BUILD)

# One step after the other, and -j for what each of them runs.
.NOTPARALLEL:

.PHONY: all help check_kernel_headers modules userspace selftests install uninstall guest_packages
.PHONY: check_packages guest_system guest_source guest_modules guest_userspace guest_driver
.PHONY: guest_examples guest_rivals guest_script guest_selftests demo test test-tools test-packages
.PHONY: test-desktop test-secure-boot test-tree bench conformance
.PHONY: check torture sanitize valgrind planted mutate coverage reports lint model ring
.PHONY: fuzz fuzz-userspace shell clean distclean dkms-tree check_dkms dkms-install dkms-remove deb
.PHONY: sign signing-key unload

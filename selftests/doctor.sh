#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# audiomodulectl doctor: each fault that it knows is planted, and must be the only problem that it
# finds, with the reason and the command. Where this machine can do what the command says, it is
# done, and the problem must be gone. What this machine cannot have (other kernels, Secure Boot,
# lockdown), a prepared folder has.

# shellcheck disable=SC2317 # functions that wait_for and start call
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

set -u
PATH=$PATH:/usr/sbin:/sbin

# --- what the cases share -----------------------------------------------------------------------

# examine [USER] -- OPTION...: what doctor finds, one check a line, in $TMP/found; its exit status
# in $status
examine()
{
	user=
	[ "$1" = -- ] || { user=$1; shift; }
	shift
	set -- audiomodulectl doctor --json "$@"
	[ -z "$user" ] || set -- setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
	"$@" >"$TMP/examined" 2>"$TMP/complaints" </dev/null
	status=$?
	[ ! -s "$TMP/complaints" ] || cat "$TMP/complaints"
	read_found
}

read_found()
{
	sed 's/{"check":"/\n/g' "$TMP/examined" |
		sed -n 's/^\([a-z]*\)","verdict":"\([a-z]*\)",/\1 \2 /p' >"$TMP/found"
}

# with VERDICT: which checks have it
with()
{
	awk -v verdict="$1" '$2 == verdict { printf "%s%s", separator, $1; separator = " " }' \
		"$TMP/found"
}

# command_of CHECK: without sudo, which nobody has here, and without remarks
command_of()
{
	sed -n "s/^$1 .*\"command\":\"\(.*\)\"}.*/\1/p" "$TMP/found" |
		sed -e 's/\\"/"/g' -e 's/sudo //g' -e 's/    #.*//'
}

# finds CHECK VERDICT WHY COMMAND PROBLEMS: in what was examined; and all problems. COMMAND is part
# of one, or NONE.
finds()
{
	name=$1 verdict=$2 why=$3 command=$4 problems=$5 status=$status awk '
	$2 == "problem" { problems = problems separator $1; separator = " " }
	$1 == ENVIRON["name"] { line = $0 }
	function expect(what, wanted, got) {
		if (wanted != got)
			print ENVIRON["name"] ": " what ": expected " wanted ", got " got
	}
	END {
		split(line, words, " ")
		command = line
		sub(/.*","command":/, "", command)
		expect("verdict", ENVIRON["verdict"], words[2])
		if (line !~ "\"explanation\":\".*" ENVIRON["why"] ".*\",\"command\":")
			print "no \"" ENVIRON["why"] "\" in: " line
		if (ENVIRON["command"] == "NONE")
			expect("command", "\"\"", substr(command, 1, 2))
		else if (command !~ "^\".*" ENVIRON["command"])
			print "no \"" ENVIRON["command"] "\" in: " command
		expect("problems", ENVIRON["problems"], problems)
		expect("exit status", ENVIRON["problems"] == "" ? 0 : 1, ENVIRON["status"] + 0)
	}' "$TMP/found"
}

# well [USER] -- OPTION...: no problem
well()
{
	examine "$@"
	json examined
	[ "$status:$(with problem)" = 0: ] || cat "$TMP/found"
}

start_daemon()
{
	start daemon audiomoduled --bus="$address"
	daemon=$!
	wait_for 20 ctl list
}

# --- a machine that is well ---------------------------------------------------------------------

case_well()
{
	check_all "a machine that is well has no problem, for root and the group audio" "$(
		well -- --bus="$address"
		well audiouser -- --bus="$address"
		well -- --local
	)"
	ctl doctor --bus="$address" >"$TMP/text"
	check "people see a line for each check, and a last one that counts problems" \
		"15 no problem" "$(grep -c '^[a-z]*  *[a-z]*  [^ ]' "$TMP/text") $(
			tail -n 1 "$TMP/text")"
	well -- --local
	check "with --local the bus is not looked at" \
		"headers installed signature lockdown loaded permission card interface \
endpoint busy" "$(cut -d ' ' -f 1 "$TMP/found" | tr '\n' ' ' | sed 's/ $//')"
	check_all "doctor takes no address, and no option of others" "$(
		expect 2 'takes no address' ctl doctor Speaker
		expect 2 'an option of send .*"doctor"' ctl doctor --raw
		expect 2 'an option of doctor .*"list"' ctl list --root=/
		expect 0 '' ctl doctor --help
	)"
}

# --- modules and cards of this machine ----------------------------------------------------------

case_not_loaded()
{
	unload
	problems=$(
		examine -- --local
		finds loaded problem 'not loaded' 'modprobe snd-audio-module-virtual' loaded
		sh -c "$(command_of loaded)" 2>&1
		well -- --local
	)
	card=$(card_number)
	nodes audio 660
	check_all "a module that is not loaded is loaded by the command" "$problems"
}

case_no_endpoint()
{
	unload
	load_core
	load_module snd-audio-module-virtual no_port=1
	problems=$(
		examine -- --local
		finds endpoint problem 'card .*snd_audio_module_virtual.*got no port' 'no_port=0' \
			'card endpoint'
		sh -c "$(command_of endpoint)" 2>&1
		well -- --local
	)
	card=$(card_number)
	nodes audio 660
	check_all "a card without an endpoint gets one by the command" "$problems"
}

case_no_card()
{
	unbind
	problems=$(
		examine -- --local
		finds card problem 'no sound card' 'modprobe snd-audio-module-virtual' card
	)
	bind
	nodes audio 660
	check_all "a module that is loaded without a card is a problem" "$problems"
}

case_permission()
{
	problems=$(
		examine user -- --local
		finds permission problem \
			"user may not open /dev/snd/.*group audio .mode 660.*uaccess" \
			'usermod -aG audio user' permission
		sh -c "$(command_of permission)"
		well user -- --local
		gpasswd -d user audio >/dev/null
	)
	check_all "who is not in the group is put into it by the command" "$problems"
	problems=$(
		usermod -aG audio user
		setpriv --reuid=user --regid=user --clear-groups -- audiomodulectl doctor --local \
			--json >"$TMP/examined"
		gpasswd -d user audio >/dev/null
		grep -q 'newgrp audio.*older than the membership' "$TMP/examined" ||
			cat "$TMP/examined"
		nodes root 600
		examine audiouser -- --local
		finds permission problem 'audiouser may not open' 'udevadm trigger' permission
		nodes audio 660
	)
	check_all "a session that is older, and udev that was not there, are told apart" "$problems"
}

# The daemon opens the devices for a moment when a stream has begun or ended.
lists_stream()
{
	ctl list | grep -q @0p0
}

finds_no_holder()
{
	{
		examine -- --local
		finds busy ok 'nobody holds' '' ''
	} >"$TMP/no_holder"
	[ ! -s "$TMP/no_holder" ]
}

# A second program holds the control device; none holds anything after that.
case_busy()
{
	start play aplay -q -D "hw:$card,0" -t raw -f S16_LE -r 48000 -c 2 /dev/zero
	play=$!
	wait_for 20 grep -q RUNNING "/proc/asound/card$card/pcm0p/sub0/status"
	start alsactl alsactl monitor "hw:$card"
	other=$!
	wait_for 20 holds "$other"
	wait_for 20 lists_stream
	problems=$(
		examine -- --local
		finds busy note \
			"aplay .$play: [^)]*pcmC${card}D0p.*alsactl .$other: controlC${card}[)]" \
			'kill ' ''
		case $(command_of busy) in
		"kill $play $other" | "kill $other $play") ;;
		*) echo "the command is '$(command_of busy)'" ;;
		esac
		examine audiouser -- --local
		finds busy unknown 'files of [0-9]* processes can only be seen by root' '' ''
		examine -- --local
		sh -c "$(command_of busy)" 2>&1
		wait_for 20 ended "$play" && wait_for 20 ended "$other"
		wait_for 20 finds_no_holder || cat "$TMP/no_holder"
	)
	stop "$play" "$other"
	check_all "who holds a card's devices is named, and ended by the command" "$problems"
}

holds()
{
	find "/proc/$1/fd" -lname "/dev/snd/controlC$card" | grep -q .
}

# A check for leaks traces its process itself, and only one can.
NO_LEAK_CHECK="ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0"

# strace changes what the kernel answers: the version is the first of its bytes. The first answer
# is the library's, which does not go on with another major version; the second is doctor's own.
poked()
{
	strace -o "$TMP/strace" -E "$NO_LEAK_CHECK" -e trace=ioctl \
		-e inject="ioctl:poke_exit=@arg3=$1:when=$2" audiomodulectl doctor --json --local \
		>"$TMP/examined"
	status=$?
	read_found
}

# Which of all ioctls are INFO
info_calls()
{
	strace -o "$TMP/strace" -E "$NO_LEAK_CHECK" -e trace=ioctl \
		audiomodulectl doctor --local >/dev/null
	grep -n '0x48, 0x70' "$TMP/strace" | cut -d : -f 1 | tr '\n' ' '
}

case_old_interface()
{
	# shellcheck disable=SC2046 # several words
	set -- $(info_calls)
	check_all "a kernel module with an older interface, or another one, is a problem" "$(
		poked 00000000 "${1:-1}"
		finds interface problem 'another version of the interface' \
			'make && sudo make install' interface
		poked 00000000 "${2:-1}"
		finds interface problem 'version 0.0 .*older than' 'make && sudo make install' \
			interface
	)"
}

# --- audiomoduled -------------------------------------------------------------------------------

# A machine like this one, but for what is removed from it
another_machine()
{
	machine=$TMP/$1
	mkdir -p "$machine/usr/sbin" "$machine/usr/share/dbus-1"
	for name in dev etc lib proc run sys var; do
		ln -s "/$name" "$machine/$name"
	done
	cp /usr/sbin/audiomoduled "$machine/usr/sbin/"
	cp -r /usr/share/dbus-1/system.d /usr/share/dbus-1/system-services \
		"$machine/usr/share/dbus-1/"
}

case_daemon_missing()
{
	another_machine no-daemon
	rm "$machine/usr/sbin/audiomoduled"
	check_all "a daemon that is not installed is a problem; one that nobody starts is noted" "$(
		examine -- --bus="$address" --root="$machine"
		finds daemon problem 'not installed' 'make install' daemon
		another_machine no-service
		rm "$machine"/usr/share/dbus-1/system-services/org.audiomodule1.service
		examine -- --bus="$address" --root="$machine"
		finds daemon note 'no service file' 'make install' ''
	)"
}

# The test's bus as the user's own, and as the system's, on a machine with systemd
on_buses()
{
	another_machine systemd
	rm "$machine/run"
	mkdir -p "$machine/run/systemd/system"
	examine -- --root="$machine"
	finds service problem 'does not run' 'sudo systemctl start audiomoduled ' service
	export DBUS_SESSION_BUS_ADDRESS="$address"
	examine -- --bus=session --root="$machine"
	finds service problem 'does not run' 'audiomoduled --bus=session &"' service
	grep -q '"command":"/usr/sbin/audiomoduled ' "$TMP/found" || cat "$TMP/found"
	DBUS_SESSION_BUS_ADDRESS=unix:path=$TMP/none
	examine -- --bus=session --root="$machine"
	finds service problem 'cannot be reached' 'systemctl --user start dbus"' service
}

# without_user MACHINE [LINE]: a machine with systemd and the unit, and with such users
without_user()
{
	another_machine "$1"
	rm "$machine/run" "$machine/etc"
	mkdir -p "$machine/run/systemd/system"
	put usr/lib/systemd/system/audiomoduled.service ''
	put etc/passwd "root:x:0:0::/root:/bin/sh\\n${2:-}"
}

no_user()
{
	without_user no-user 'audiomodules:x:999:999::/:/bin/sh\n'
	examine -- --root="$machine"
	finds user problem 'no user audiomodule,' \
		'sudo systemd-sysusers && sudo busctl .*ReloadConfig' user
	finds service unknown 'see user' NONE user
	examine -- --bus="$address" --root="$machine"
	finds user ok 'needs no user' NONE service
	without_user has-user 'audiomodule:x:999:999::/:/bin/sh\n'
	examine -- --root="$machine"
	finds user ok 'user audiomodule is there' NONE service
}

case_daemon_stopped()
{
	stop "$daemon"
	check_all "a daemon whose user was not made is not to be started before that" "$(no_user)"
	check_all "a daemon that does not run is started on the bus that is asked about" \
		"$(on_buses)"
	problems=$(
		examine -- --bus="$address"
		finds service problem 'does not run' "audiomoduled --bus=$address &" service
	)
	start again sh -c "exec $(command_of service | sed 's/ &//')"
	daemon=$!
	problems=$problems$(
		wait_for 20 ctl list
		well -- --bus="$address"
		examine -- --bus=unix:path="$TMP/none"
		finds service problem 'cannot be reached' 'systemctl start dbus' service
	)
	check_all "a daemon that does not run is started by the command; a bus may be missing" \
		"$problems"
}

# There is no polkit on this bus: the group decides.
case_refused()
{
	problems=$(
		nodes user 660
		examine user -- --bus="$address"
		finds access problem 'user may not receive .*audiomodule1.monitor is not allowed' \
			'usermod -aG audio user' access
		sh -c "$(command_of access)"
		well user -- --bus="$address"
		gpasswd -d user audio >/dev/null
		nodes audio 660
	)
	check_all "who may not receive notifications is put into the group by the command" \
		"$problems"
}

# A bus that has not heard of us: nobody may own the name.
RELOAD="busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig"
case_no_policy()
{
	another_machine no-policy
	mv "$machine/usr/share/dbus-1/system.d/org.audiomodule1.conf" "$TMP/policy.conf"
	other=unix:path=$TMP/other-bus
	sed -e '/<standard_system_servicedirs/d' \
		-e "s|>system.d<|>$machine/usr/share/dbus-1/system.d<|" \
		-e '/system-local.conf/d' /usr/share/dbus-1/system.conf >"$TMP/other.conf"
	start other.log dbus-daemon --config-file="$TMP/other.conf" --address="$other" --nofork \
		--nopidfile --nosyslog
	wait_for 20 busctl --address="$other" list
	problems=$(
		expect 1 'bus does not allow it' audiomoduled --bus="$other"
		examine -- --bus="$other" --root="$machine"
		finds policy problem 'org.audiomodule1.conf is missing' 'ReloadConfig' \
			policy
		mv "$TMP/policy.conf" "$machine/usr/share/dbus-1/system.d/org.audiomodule1.conf"
		[ "$(command_of policy)" = "make && make install && $RELOAD" ] ||
			echo "the command is '$(command_of policy)'"
		DBUS_SYSTEM_BUS_ADDRESS=$other sh -c "$RELOAD" 2>&1
	)
	start other.daemon audiomoduled --bus="$other"
	other_daemon=$!
	problems=$problems$(
		wait_for 20 ctl list --bus="$other" || cat "$TMP/other.daemon"
		well -- --bus="$other" --root="$machine"
	)
	check_all "a bus without our policy is a problem, until it has read it" "$problems"
	case_refused_by_bus
	stop "$other_daemon"
}

# Somebody's own policy refuses a user, who is in the group.
case_refused_by_bus()
{
	cat >"$machine/usr/share/dbus-1/system.d/own.conf" <<-END
		<busconfig><policy user="audiouser">
		<deny send_destination="org.audiomodule1"/>
		</policy></busconfig>
	END
	DBUS_SYSTEM_BUS_ADDRESS=$other sh -c "$RELOAD"
	problems=$(
		examine audiouser -- --bus="$other" --root="$machine"
		finds access problem 'bus does not let audiouser .*another policy' ReloadConfig \
			access
		rm "$machine/usr/share/dbus-1/system.d/own.conf"
		DBUS_SYSTEM_BUS_ADDRESS=$other sh -c "$(command_of access)"
		well audiouser -- --bus="$other" --root="$machine"
	)
	check_all "who is refused by the bus is told so, until it has read its policies again" \
		"$problems"
}

# A daemon that asks polkit: it lists, and refuses notifications with the error that is given.
refuse()
{
	cat >"$TMP/refuse.py" <<-'END'
		import sys
		from gi.repository import Gio, GLib

		XML = """<node><interface name="org.freedesktop.DBus.ObjectManager">
		<method name="GetManagedObjects">
		<arg name="objects" direction="out" type="a{oa{sa{sv}}}"/>
		</method></interface></node>"""
		ENDPOINT = """<node><interface name="org.audiomodule1.Endpoint">
		<method name="AcquireNotifications">
		<arg name="options" direction="in" type="a{sv}"/>
		<arg name="fd" direction="out" type="h"/><arg name="j" direction="out" type="t"/>
		<arg name="o" direction="out" type="t"/><arg name="n" direction="out" type="t"/>
		</method></interface></node>"""
		SPEAKER = "/org/audiomodule1/card0/Speaker"

		def called(connection, sender, path, interface, method, arguments, invocation):
		    if method == "GetManagedObjects":
		        text = lambda value: GLib.Variant("s", value)
		        number = lambda value: GLib.Variant("u", value)
		        properties = {
		            "DeviceId": text("7B1C1F60-3C0E-4B52-9A53-5D0C8E4A6F01"),
		            "Name": text("Speaker"), "Card": number(0), "CardId": text("Fake"),
		            "Index": number(0), "JournalId": GLib.Variant("t", 1),
		        }
		        objects = {SPEAKER: {"org.audiomodule1.Endpoint": properties}}
		        invocation.return_value(GLib.Variant("(a{oa{sa{sv}}})", (objects,)))
		    else:
		        invocation.return_dbus_error(sys.argv[2], "Not authorized by polkit")

		bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1],
		    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
		    Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
		for path, xml in ("/org/audiomodule1", XML), (SPEAKER, ENDPOINT):
		    node = Gio.DBusNodeInfo.new_for_xml(xml)
		    bus.register_object(path, node.interfaces[0], called, None, None)
		Gio.bus_own_name_on_connection(bus, "org.audiomodule1", 0, None, None)
		GLib.MainLoop().run()
	END
	start refuse python3 "$TMP/refuse.py" "$address" "$1"
	wait_for 20 ctl list
}

case_refused_by_polkit()
{
	stop "$daemon"
	problems=
	for name in org.freedesktop.DBus.Error.AccessDenied org.audiomodule1.Error.NotAuthorized; do
		refuse $name
		refuser=$!
		problems=$problems$(
			examine audiouser -- --bus="$address"
			finds access problem 'audiouser may not .*Not authorized by polkit' \
				'addRule.*audiouser.*tee /etc/polkit-1/rules.d/' access
		)
		stop "$refuser"
	done
	start_daemon
	check_all "who is in the group and refused by polkit is given a rule" "$problems$(
		well audiouser -- --bus="$address")"
}

# --- machines that are not here -----------------------------------------------------------------

# put FILE TEXT: into the machine
put()
{
	mkdir -p "$machine/${1%/*}"
	printf '%b' "$2" >"$machine/$1"
}

# Bytes of hexadecimal digits, as printf %b takes them: five characters for each
escaped()
{
	echo "$1" | fold -w 2 | while read -r byte; do
		printf '\\0%03o' "0x$byte"
	done
}

R=9.9.9-test
UPDATES=lib/modules/$R/updates
EFI=sys/firmware/efi/efivars
SECURE_BOOT=$EFI/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
MOK_LIST=$EFI/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23
NOT_SIGNED="vermagic=$R SMP preempt mod_unload modversions \\0"

# The signature's 8 bytes have the serial number 11223344 of a certificate; 12 bytes say how long.
SIGNED=$NOT_SIGNED$(escaped 0000020411223344000002000000000000000008)
SIGNED="$SIGNED~Module signature appended~\\n"

# A variable of 63 bytes: a list of one certificate that has this serial number
ENROLLED=07000000a159c0a5e494a74a87b5ab155c2bf0723b000000000000001f000000
ENROLLED=${ENROLLED}000102030405060708090a0b0c0d0e0f300d300ba003020102020411223344

# A machine with kernel $R, where the module is installed and not loaded
machine()
{
	machine=$TMP/machine
	rm -rf "$machine"
	put proc/sys/kernel/osrelease "$R\\n"
	put etc/os-release 'ID=debian\n'
	put $UPDATES/snd-audio-module.ko "$NOT_SIGNED"
	put $UPDATES/snd-audio-module-virtual.ko "$NOT_SIGNED"
	put lib/modules/$R/modules.dep "updates/snd-audio-module.ko:\\nupdates/\
snd-audio-module-virtual.ko: updates/snd-audio-module.ko\\n"
	put sys/module/module/parameters/sig_enforce 'N\n'
	put sys/kernel/security/lockdown '[none] integrity confidentiality\n'
}

not_installed()
{
	rm -r "${machine:?}/$UPDATES" "$machine/lib/modules/$R/modules.dep"
}

# on_machine CHECK VERDICT WHY COMMAND PROBLEMS
on_machine()
{
	examine -- --local --root="$machine"
	finds "$@"
}

case_headers()
{
	check_all "missing headers are installed by the command, when the module is to be built" "$(
		machine
		on_machine headers ok 'not needed' NONE loaded
		not_installed
		on_machine headers problem "no headers.*/lib/modules/$R/build" \
			"sudo apt-get install linux-headers-$R\"" 'headers installed'
		put etc/os-release 'ID=fedora\n'
		on_machine headers problem '' "sudo dnf install kernel-devel-$R\"" \
			'headers installed'
		put lib/modules/$R/build/Makefile ''
		on_machine headers ok 'are there' NONE installed
	)"
}

case_other_kernel()
{
	check_all "a module for another kernel, or that modprobe cannot find, is a problem" "$(
		machine
		put lib/modules/$R/build/Makefile ''
		not_installed
		on_machine installed problem 'snd-audio-module is not installed' \
			'make && sudo make install' installed
		put lib/modules/8.8.8-old/updates/dkms/snd-audio-module.ko.xz ''
		on_machine installed problem "installed for kernel 8.8.8-old, but kernel $R runs" \
			'make && sudo make install' installed
		put var/lib/dkms/alsa-audio-modules/source ''
		on_machine installed problem 8.8.8-old "sudo dkms autoinstall -k $R\"" installed
		machine
		put $UPDATES/snd-audio-module.ko 'vermagic=8.8.8-old SMP \0'
		on_machine installed problem "was built for kernel 8.8.8-old, but kernel $R runs" \
			'make && sudo make install' 'installed loaded'
		machine
		rm "$machine/lib/modules/$R/modules.dep"
		on_machine installed problem 'modprobe does not know it' "sudo depmod $R\"" \
			installed
	)"
}

# dkms' modules for it are built and installed, and say so when they are loaded.
case_unsupported_kernel()
{
	says='description=In place of audio modules: this kernel is not supported\0'
	check_all "a kernel that is not supported is named, and nothing is to be loaded" "$(
		machine
		put $UPDATES/snd-audio-module.ko "license=GPL\0$says$NOT_SIGNED"
		on_machine installed problem "do not support kernel $R: .*is not loaded" \
			'make && sudo make install .*newer sources' installed
		on_machine loaded unknown 'first it must be installed' NONE installed
		put $SECURE_BOOT "$(escaped 0600000001)"
		on_machine signature unknown 'no module to look at' NONE installed
	)"
}

case_signature()
{
	both="for module in [^ ]*/snd-audio-module.ko [^ ]*/snd-audio-module-virtual.ko; do"
	sign="$both sudo [^ ]*/sign-file sha256 MOK.priv MOK.der .module; done"
	check_all "a module that will be refused is signed, or its key enrolled, by the command" "$(
		machine
		on_machine signature ok 'none is demanded' NONE loaded
		put sys/module/module/parameters/sig_enforce 'Y\n'
		on_machine signature problem 'demands signatures, and .* has no signa.*Key was' \
			"openssl req .*$sign && sudo mokutil --import MOK.der\"" 'signature loaded'
		machine
		put $SECURE_BOOT "$(escaped 0600000001)"
		on_machine signature problem 'Secure Boot is on, and .* has no signature' "$sign" \
			'signature loaded'
		put var/lib/dkms/mok.pub ''
		on_machine signature problem 'has no signature' \
			'sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub ' \
			'signature loaded'
		put $UPDATES/snd-audio-module.ko "$SIGNED"
		on_machine signature unknown 'signed, but which keys are enrolled cannot be seen' \
			'mokutil --list-enrolled' loaded
		put $MOK_LIST "$(escaped "${ENROLLED%44}45")"
		on_machine signature problem 'signed with a key that is not enrolled' \
			'sudo mokutil --import /var/lib/dkms/mok.pub ' 'signature loaded'
		put $MOK_LIST "$(escaped $ENROLLED)"
		on_machine signature ok 'signed with an enrolled key' NONE loaded
		put $SECURE_BOOT "$(escaped 0600000000)"
		on_machine signature ok 'none is demanded' NONE loaded
	)"
}

case_lockdown()
{
	check_all "a kernel that is locked down refuses a module that is not signed" "$(
		machine
		on_machine lockdown ok 'not locked down' NONE loaded
		for level in '[integrity] confidentiality' 'integrity [confidentiality]'; do
			put sys/kernel/security/lockdown "none $level\\n"
			on_machine lockdown note "locked down .(integrity|confidentiality)[)]" \
				NONE 'signature loaded'
			on_machine signature problem 'locked down, and .* has no signature' \
				sign-file 'signature loaded'
		done
		put $UPDATES/snd-audio-module.ko "$SIGNED"
		put $MOK_LIST "$(escaped $ENROLLED)"
		on_machine signature ok 'locked down, and the module is signed' NONE loaded
		rm "$machine/sys/kernel/security/lockdown"
		on_machine lockdown unknown 'cannot be read' 'mount -t securityfs' loaded
	)"
}

# held_by_many: each of thirty processes holds the card, whose programs somebody has named
held_by_many()
{
	mkdir -p "$machine/dev/snd"
	ln -s /dev/null "$machine/dev/snd/controlC0"
	for id in $(seq 100001 100030); do
		put "proc/$id/comm" 'we\033[2Jird\0303\n'
		mkdir "$machine/proc/$id/fd"
		ln -s /dev/null "$machine/proc/$id/fd/3"
	done
}

case_busy_with_many()
{
	machine
	held_by_many
	check_all "of many who hold a card, ids are whole and names have no control characters" "$(
		on_machine busy note 'we[?].2Jird[?] .1000[0-9][0-9]: controlC0[)]' \
			'sudo kill 1000' loaded
		for id in $(command_of busy | sed 's/^kill //'); do
			[ -d "$machine/proc/$id/fd" ] || echo "the command ends '$id'"
		done
		audiomodulectl doctor --local --root="$machine" >"$TMP/text"
		! grep "$(printf '\033')" "$TMP/text"
	)"
}

# Lists that are cut or lie about their sizes: no certificate is in them.
case_broken_lists()
{
	machine
	put $SECURE_BOOT "$(escaped 0600000001)"
	put $UPDATES/snd-audio-module.ko "$SIGNED"
	check_all "lists of certificates that are cut or wrong are read no further" "$(
		for size in 4 20 31 33 48 50 58 62; do
			put $MOK_LIST "$(escaped $ENROLLED | cut -c "1-$((size * 5))")"
			on_machine signature problem 'not enrolled' '' 'signature loaded'
		done
		for lie in s/3b0000/ffffff/ s/1f000000/ff000000/ s/1f000000/00000000/ \
				s/300d/30ff/ s/300d/3084/ s/300d/307f/ s/300b/307f/ \
				s/020411/02ff11/; do
			put $MOK_LIST "$(escaped "$(echo $ENROLLED | sed $lie)")"
			on_machine signature problem 'not enrolled' '' 'signature loaded'
		done
	)"
}

# --- the cases ----------------------------------------------------------------------------------

begin 27
start_bus
load
nodes audio 660
start_daemon
case_well
case_no_endpoint
case_not_loaded
case_no_card
case_permission
case_busy
case_old_interface
wait_for 20 ctl list
case_daemon_missing
case_daemon_stopped
case_refused
case_no_policy
case_refused_by_polkit
case_headers
case_other_kernel
case_unsupported_kernel
case_signature
case_lockdown
case_broken_lists
case_busy_with_many
stop_all
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"
finish

// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what --help says. audiomodulectl(1) says it at length.
 */
#include "help.h"

const char help_general[] =
	"audiomodulectl - audio modules of ALSA sound cards\n"
	"\n"
	"Usage: audiomodulectl COMMAND [OPTION...] [ADDRESS...]\n"
	"\n"
	"  list             cards, endpoints and modules, with their addresses\n"
	"  info             all details of endpoints and modules\n"
	"  monitor          notifications, as they come\n"
	"  send             a command to a module, and its answer\n"
	"  get              parameters of modules, and their newest notifications\n"
	"  set              a parameter of a module\n"
	"  stats            what the kernel counts for each card\n"
	"  doctor           what is wrong on this machine, and what mends it\n"
	"\n"
	"  --local          ask the kernel, not audiomoduled\n"
	"  --json           JSON instead of text\n"
	"  --bus=BUS        audiomoduled's bus: system (default), session, or an address\n"
	"  --dev-dir=DIR    with --local: where the sound devices are (default /dev/snd)\n"
	"  -h, --help       this text; after a command, that command's\n"
	"  -V, --version    the version\n"
	"\n"
	"ADDRESS is ENDPOINT[/MODULE]. ENDPOINT is a name, CARD:NAME or a DeviceId; MODULE is a\n"
	"label or CLASSID[:INSTANCEID].\n"
	"\n"
	"Exit status: 0 success, 1 failure (doctor: a problem), 2 wrong usage, 3 no such\n"
	"address or parameter, 4 audiomoduled is not reachable, 5 no permission.";

const char help_list[] =
	"audiomodulectl list [--local] [--json]\n"
	"\n"
	"Prints a line for each endpoint and each of its modules. The first column is the\n"
	"address that the other commands take. Options: see audiomodulectl --help";

const char help_info[] =
	"audiomodulectl info [--local] [--json] [ADDRESS...]\n"
	"\n"
	"Prints all that is known of these endpoints and modules, or of all. With --local also\n"
	"the state of the card's journal and the counters of its drivers' calls.\n"
	"Options: see audiomodulectl --help";

const char help_monitor[] =
	"audiomodulectl monitor [OPTION...] [ADDRESS...]\n"
	"\n"
	"Prints each notification of these endpoints and modules, or of all, until it is ended by\n"
	"SIGINT or SIGTERM. When a card goes away, monitor says so and waits for it to come back.\n"
	"On a terminal the levels of peak meters are bars in its last line.\n"
	"\n"
	"  --class=CLASSID            only modules of this class\n"
	"  --instance=INSTANCEID      only modules with this InstanceId, decimal or 0x...\n"
	"  --notification-id=ID       only this NotificationId\n"
	"  --since=TIME               first those that the journal has since this time: 5s, 10m,\n"
	"                             2h ago, or seconds as in the first column, as 17.872811\n"
	"  --after=JOURNAL:SEQUENCE   resume behind this one; JOURNAL is the journal id in\n"
	"                             hexadecimal digits, as info prints it\n"
	"  --oldest                   start with the oldest that the journal has (needs --local)\n"
	"  --count=N                  end after N notifications\n"
	"  --timeout=SECONDS          end after this time\n"
	"  --fd                       have audiomoduled hand over the kernel's notification fd\n"
	"                             instead of sending signals\n"
	"  --exit-when-gone           end when all that is watched is gone\n"
	"\n"
	"Other options: see audiomodulectl --help";

const char help_send[] =
	"audiomodulectl send [--local] [--json | --raw] ADDRESS [BYTES]\n"
	"\n"
	"Sends a command to one module and prints its answer as hexadecimal numbers. What the\n"
	"bytes mean, the module's vendor defines. BYTES are hexadecimal digits, with blanks or\n"
	"colons between bytes or without; or @FILE; or -, standard input, as when there are none.\n"
	"\n"
	"  --raw            the answer's bytes as they are\n"
	"  --json           an object with address, status, size and data\n"
	"\n"
	"Exit status: 1 when the module refuses, 5 when only another process may.\n"
	"Other options: see audiomodulectl --help";

const char help_get[] =
	"audiomodulectl get [--json] [ADDRESS [PARAMETER]]\n"
	"\n"
	"Prints the parameters of a module, or of an endpoint and all of its modules, or of all,\n"
	"what each may be, and the newest notification. With PARAMETER its value alone. Asks the\n"
	"kernel, as with --local. Parameters are the card's control elements: those whose name\n"
	"begins with that of the endpoint and the module's label.\n"
	"\n"
	"Other options: see audiomodulectl --help";

const char help_set[] =
	"audiomodulectl set [--json] ADDRESS PARAMETER VALUE...\n"
	"\n"
	"Sets a parameter of one module, or of an endpoint itself, and prints the value that it\n"
	"has then. VALUE is on or off; a number; the name of an item, or its number when no name\n"
	"is one; or bytes as hexadecimal digits, as @FILE or as -, standard input. A parameter\n"
	"of several channels takes a VALUE for each, or one for all. In front of values that\n"
	"begin with a minus sign write --.\n"
	"\n"
	"Other options: see audiomodulectl --help";

const char help_stats[] =
	"audiomodulectl stats [--watch[=SECONDS]] [--json] [ADDRESS...]\n"
	"\n"
	"Prints for each card of these endpoints and modules, or for all, its journal and what\n"
	"became of its drivers' calls. Asks the kernel, as with --local.\n"
	"\n"
	"  --watch[=SECONDS]   then, each SECONDS (1), what changed since the last look, until it\n"
	"                      is ended by SIGINT or SIGTERM\n"
	"  --json              an object a line\n"
	"\n"
	"Other options: see audiomodulectl --help";

const char help_doctor[] =
	"audiomodulectl doctor [--local] [--json]\n"
	"\n"
	"Looks for what keeps audio modules from being used, from the kernel to the bus, and\n"
	"prints for each check ok, problem, note or unknown, why, and the command that mends it.\n"
	"Changes nothing, and needs no rights; says what it could not see without them.\n"
	"\n"
	"  --local          only what is needed without audiomoduled\n"
	"\n"
	"Exit status: 0 no problem, 1 there is one. Other options: see audiomodulectl --help";

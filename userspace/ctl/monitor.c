// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl monitor`: one poll() over the notification fds, the bus or the watch for
 * cards, and the signals that end it. It goes on when a card is gone, as a card that was unplugged
 * may come back; then it subscribes anew.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bars.h"
#include "output.h"
#include "signals.h"

/* Records of one feed or the bus before the others, the signals and the output get a turn. */
#define BUDGET	1024

struct monitor {
	const struct options *options;
	struct source source;
	struct feeds feeds;
	struct bars bars;
	struct audiomodule_watch *watch;	/* local only */
	int signals;
	uint64_t count;
	int64_t end;				/* milliseconds of CLOCK_MONOTONIC; -1: none */
	bool finished;
	bool stale;				/* look at the cards again */
	bool busy;				/* a feed's budget is used up: do not wait */
	bool daemon_left;
	enum exit_status status;
};

static void finish(struct monitor *monitor, enum exit_status status)
{
	monitor->finished = true;
	if (monitor->status == STATUS_OK)
		monitor->status = status;
}

/* ---- Records ---- */

static bool is_bar(struct monitor *monitor, const struct feed *feed,
		   const struct audiomodule_record *record)
{
	char address[RECORD_ADDRESS_SIZE];

	if (!monitor->bars.enabled)
		return false;
	record_address(&monitor->feeds, feed, record, address);
	return bars_take(&monitor->bars, address, record);
}

static void on_notification(struct monitor *monitor, const struct feed *feed,
			    const struct audiomodule_record *record)
{
	if (!feed_wants(&monitor->feeds, feed, record))
		return;
	if (!is_bar(monitor, feed, record)) {
		bars_hide(&monitor->bars);
		print_record(&monitor->feeds, feed, record);
	}
	if (++monitor->count == monitor->options->count)
		finish(monitor, STATUS_OK);
}

static void on_record(struct monitor *monitor, struct feed *feed,
		      const struct audiomodule_record *record)
{
	if (record->type == AUDIOMODULE_RECORD_NOTIFICATION) {
		on_notification(monitor, feed, record);
		return;
	}
	bars_hide(&monitor->bars);
	print_record(&monitor->feeds, feed, record);
	if (record->type == AUDIOMODULE_RECORD_LOST)
		return;
	monitor->stale = true;
	if (record->type != AUDIOMODULE_RECORD_REMOVED)
		return;
	feed->gone = true;
	bars_forget(&monitor->bars, feed->address);
	if (monitor->options->exit_when_gone && feeds_all_gone(&monitor->feeds))
		finish(monitor, STATUS_OK);
}

/* Behind a change come notifications of modules that the list does not know: first a new list. */
static bool may_go_on(const struct monitor *monitor)
{
	return !monitor->finished && !monitor->stale;
}

static void read_feed(struct monitor *monitor, struct feed *feed)
{
	struct audiomodule_record record;

	for (int i = 0; i < BUDGET && may_go_on(monitor); i++) {
		int r = audiomodule_subscription_next(feed->subscription, &record);

		if (r == 0)
			return;
		if (r < 0) {
			bars_hide(&monitor->bars);
			fprintf(stderr, "audiomodulectl: cannot read the notifications of %s: %s\n",
				feed->address, strerror(-r));
			finish(monitor, STATUS_FAILURE);
			return;
		}
		on_record(monitor, feed, &record);
	}
	monitor->busy = true;	/* records that were read ahead do not wake poll() */
}

/* ---- The bus, or the watch ---- */

static void on_event(struct monitor *monitor, const struct audiomodule_bus_event *event)
{
	struct feed *feed;

	switch (event->type) {
	case AUDIOMODULE_BUS_RECORD:
		feed = feeds_find_path(&monitor->feeds, event->object_path);
		if (feed && !feed->subscription)
			on_record(monitor, feed, &event->record);
		break;
	case AUDIOMODULE_BUS_LEFT:
		monitor->daemon_left = true;
		bars_hide(&monitor->bars);
		fputs("audiomodulectl: audiomoduled left the bus; waiting for it\n", stderr);
		break;
	case AUDIOMODULE_BUS_RETURNED:
		bars_hide(&monitor->bars);
		if (monitor->daemon_left)
			fputs("audiomodulectl: audiomoduled is back\n", stderr);
		monitor->daemon_left = false;
		monitor->stale = true;
		break;
	case AUDIOMODULE_BUS_APPEARED:
		monitor->stale = true;
		break;
	}
}

static void read_bus(struct monitor *monitor)
{
	struct audiomodule_bus_event event;

	for (int i = 0; i < BUDGET && may_go_on(monitor); i++) {
		int r = audiomodule_bus_next(monitor->source.bus, &event);

		if (r == 0)
			return;
		if (r < 0) {
			bars_hide(&monitor->bars);
			finish(monitor, source_fail(&monitor->source, "Cannot go on", r));
			return;
		}
		on_event(monitor, &event);
	}
}

static void read_watch(struct monitor *monitor)
{
	int r = audiomodule_watch_process(monitor->watch);

	if (r < 0)
		finish(monitor, source_fail(&monitor->source, "Cannot watch for cards", r));
	else if (r > 0)
		monitor->stale = true;
}

static void flush(struct monitor *monitor)
{
	bool closed;
	enum exit_status status = finish_output(&closed);

	if (closed || status != STATUS_OK)
		finish(monitor, status);
}

/* What fails now may work when the next card appears; the reason is on stderr. */
static void refresh(struct monitor *monitor)
{
	monitor->stale = false;
	bars_hide(&monitor->bars);
	flush(monitor);
	if (monitor->daemon_left || monitor->finished)
		return;
	release_signals();
	feeds_refresh(&monitor->feeds, false, print_appeared);
	hold_signals();
}

/* ---- The loop ---- */

static int shorter(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int next_timeout(const struct monitor *monitor)
{
	int timeout = -1;

	if (monitor->busy)
		return 0;
	if (monitor->end >= 0)
		timeout = time_until(monitor->end);
	if (monitor->source.bus)
		timeout = shorter(timeout, audiomodule_bus_timeout(monitor->source.bus));
	return timeout;
}

/* Two fds that are always there, then those of the feeds that have one. */
static int wait_for_anything(struct monitor *monitor, struct pollfd *fds, nfds_t count)
{
	nfds_t used = 2;

	fds[0] = (struct pollfd) { .fd = monitor->signals, .events = POLLIN };
	if (monitor->source.bus)
		fds[1] = (struct pollfd) {
			.fd = audiomodule_bus_fd(monitor->source.bus),
			.events = (short)audiomodule_bus_poll_events(monitor->source.bus),
		};
	else
		fds[1] = (struct pollfd) {
			.fd = audiomodule_watch_fd(monitor->watch), .events = POLLIN,
		};
	for (const struct feed *feed = monitor->feeds.first; feed && used < count;
	     feed = feed->next)
		if (feed->subscription && !feed->gone)
			fds[used++] = (struct pollfd) {
				.fd = audiomodule_subscription_fd(feed->subscription),
				.events = POLLIN,
			};
	return poll(fds, used, next_timeout(monitor)) < 0 && errno != EINTR ? -errno : 0;
}

static nfds_t count_fds(const struct monitor *monitor)
{
	nfds_t count = 2;

	for (const struct feed *feed = monitor->feeds.first; feed; feed = feed->next)
		count++;
	return count;
}

static void read_everything(struct monitor *monitor)
{
	monitor->busy = false;
	for (struct feed *feed = monitor->feeds.first; feed; feed = feed->next)
		if (feed->subscription && !feed->gone)
			read_feed(monitor, feed);
	if (monitor->source.bus)
		read_bus(monitor);
	else
		read_watch(monitor);
	if (monitor->stale && !monitor->finished)
		refresh(monitor);
}

static void run_once(struct monitor *monitor)
{
	_cleanup_(cleanup_memory) struct pollfd *fds = NULL;
	nfds_t count = count_fds(monitor);
	int r = -ENOMEM;

	fds = calloc(count, sizeof(*fds));
	if (fds)
		r = wait_for_anything(monitor, fds, count);
	if (r < 0) {
		finish(monitor, source_fail(&monitor->source, "Cannot wait", r));
		return;
	}
	if (fds[0].revents || (monitor->end >= 0 && time_now() >= monitor->end)) {
		finish(monitor, STATUS_OK);
		return;
	}
	read_everything(monitor);
	if (monitor->bars.enabled)
		bars_show(&monitor->bars);
	flush(monitor);
}

/* The watch before the list: no card in between is missed. */
static enum exit_status prepare(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	enum exit_status status = catch_signals(&monitor->signals);
	int r;

	if (status == STATUS_OK)
		status = source_open(&monitor->source, options);
	if (status != STATUS_OK)
		return status;
	if (options->local) {
		r = audiomodule_watch_new(options->directory, &monitor->watch);
		if (r < 0)
			return source_fail(&monitor->source, "Cannot watch for cards", r);
	}
	monitor->feeds.options = options;
	monitor->feeds.source = &monitor->source;
	release_signals();
	status = feeds_refresh(&monitor->feeds, options->resume, print_appeared);
	hold_signals();
	if (status == STATUS_OK)
		status = check_addresses(options, monitor->feeds.list);
	if (status == STATUS_OK && !monitor->feeds.first)
		fputs("audiomodulectl: no cards with audio modules; waiting for one\n", stderr);
	return status;
}

enum exit_status command_monitor(const struct options *options)
{
	struct monitor monitor = {
		.options = options,
		.signals = -1,
		.end = options->timeout < 0 ? -1 : time_now() + options->timeout,
	};
	enum exit_status status;

	bars_init(&monitor.bars, options);
	status = prepare(&monitor);
	if (status != STATUS_OK)
		finish(&monitor, status);
	while (!monitor.finished)
		run_once(&monitor);
	bars_end(&monitor.bars);
	flush(&monitor);
	feeds_free(&monitor.feeds);
	audiomodule_watch_free(monitor.watch);
	cleanup_source(&monitor.source);
	cleanup_fd(&monitor.signals);
	return monitor.status;
}

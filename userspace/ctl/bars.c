// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: all bars share one line, because moving the cursor up goes wrong at the screen's edge. It is
 * never longer than the terminal is wide: a line that wraps cannot be redrawn in place.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bars.h"
#include "output.h"

#define FLOOR_DBFS	(-60.0)		/* where a bar begins */
#define LOUD_DBFS	(-12.0)
#define VERY_LOUD_DBFS	(-3.0)
#define NUMBER_WIDTH	7		/* of " -12.0 " */
#define LEAST_LENGTH	4		/* of a bar that says anything */

void bars_init(struct bars *bars, const struct options *options)
{
	const char *terminal = getenv("TERM");

	*bars = (struct bars) {
		.enabled = !options->json && isatty(STDOUT_FILENO) && terminal && terminal[0] &&
			   strcmp(terminal, "dumb") != 0,
	};
}

/* ---- Which there are ---- */

static struct bar *find_bar(const struct bars *bars, const char *address)
{
	struct bar *bar = bars->first;

	while (bar && strcmp(bar->address, address) != 0)
		bar = bar->next;
	return bar;
}

static struct bar *add_bar(struct bars *bars, const char *address)
{
	struct bar *bar = calloc(1, sizeof(*bar));

	if (!bar)
		return NULL;
	snprintf(bar->address, sizeof(bar->address), "%s", address);
	bar->next = bars->first;
	bars->first = bar;
	return bar;
}

static void remove_bar(struct bar **link)
{
	struct bar *bar = *link;

	*link = bar->next;
	free(bar);
}

static void remove_silent(struct bars *bars, const struct bar *bar)
{
	struct bar **link = &bars->first;

	while (*link && *link != bar)
		link = &(*link)->next;
	if (*link)
		remove_bar(link);
}

bool bars_take(struct bars *bars, const char *address, const struct audiomodule_record *record)
{
	struct bar *bar = find_bar(bars, address);
	struct decoded decoded;

	decode(record, &decoded);
	if (decoded.kind == DECODED_SILENCE)
		remove_silent(bars, bar);
	if (decoded.kind != DECODED_LEVEL)
		return false;
	if (!bar)
		bar = add_bar(bars, address);
	if (bar)
		bar->level = decoded;
	return bar;
}

void bars_forget(struct bars *bars, const char *endpoint)
{
	size_t length = strlen(endpoint);
	struct bar **link = &bars->first;

	while (*link) {
		if (strncmp((*link)->address, endpoint, length) == 0 &&
		    (*link)->address[length] == '/')
			remove_bar(link);
		else
			link = &(*link)->next;
	}
}

/* ---- Drawing ---- */

static int terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

/* Writes as much as there are columns left. Names have at least as many bytes as columns. */
static void put(const char *text, int *left)
{
	int length = (int)strlen(text);

	if (length > *left) {
		length = *left;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	printf("%.*s", length, text);
	*left -= length;
}

static const char *level_colour(double dbfs)
{
	return dbfs >= VERY_LOUD_DBFS ? COLOUR_RED : dbfs >= LOUD_DBFS ? COLOUR_YELLOW :
	       COLOUR_GREEN;
}

static int filled_length(double dbfs, int length)
{
	if (dbfs <= FLOOR_DBFS)
		return 0;
	return (int)((dbfs - FLOOR_DBFS) / -FLOOR_DBFS * length + 0.5);
}

static void draw_channel(const char *name, double dbfs, int length, int *left)
{
	int filled = filled_length(dbfs, length);
	char number[16];

	put(name, left);
	start_colour(level_colour(dbfs));
	for (int i = 0; i < length; i++)
		put(i < filled ? "#" : ".", left);
	end_colour();
	snprintf(number, sizeof(number), dbfs > FLOOR_DBFS ? " %5.1f " : "  -inf ",
		 dbfs > -0.05 ? 0.0 : dbfs);
	put(number, left);
}

/* A bar gets an equal part of the line; what its text leaves, its channels share. */
static void draw_bar(const struct bar *bar, int width, int *left)
{
	static const char *const names[2] = { " L ", " R " };
	int channels = (int)bar->level.channels, text = (int)strlen(bar->address), length;

	length = (width - text) / channels - (int)strlen(names[0]) - NUMBER_WIDTH;
	put(bar->address, left);
	for (int i = 0; i < channels && i < 2; i++)
		draw_channel(names[i], bar->level.dbfs[i], length < LEAST_LENGTH ? 0 : length,
			     left);
}

void bars_show(struct bars *bars)
{
	int left = terminal_width() - 1, count = 0, width;

	for (const struct bar *bar = bars->first; bar; bar = bar->next)
		count++;
	if (count == 0) {
		bars_hide(bars);
		return;
	}
	width = left / count;
	putchar('\r');
	for (const struct bar *bar = bars->first; bar; bar = bar->next)
		draw_bar(bar, width, &left);
	fputs("\033[K", stdout);
	bars->shown = true;
}

void bars_hide(struct bars *bars)
{
	if (!bars->shown)
		return;
	fputs("\r\033[K", stdout);
	fflush(stdout);		/* stderr does not wait */
	bars->shown = false;
}

void bars_end(struct bars *bars)
{
	if (bars->shown)
		putchar('\n');
	bars->shown = false;
	while (bars->first)
		remove_bar(&bars->first);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Adds elements to a card that look like parameters of the module Speaker/System, of the types that
 * the virtual card has none of, and keeps one of them locked; prints "ready", waits for the end of
 * standard input, and takes them away.
 *
 *	user_elements CARD
 */

#include <alsa/asoundlib.h>
#include <stdbool.h>
#include <stdio.h>

static const char *const items[] = { "Soft", "Hard, \"loud\"", "Off" };

/* Each of two channels, but the enumerated ones. */
static const struct {
	const char *name;
	unsigned int index;
	snd_ctl_elem_type_t type;
	bool stays_locked;
} elements[] = {
	{ .name = "Speaker System Switch", .type = SND_CTL_ELEM_TYPE_BOOLEAN },
	{ .name = "Speaker System Gain", .type = SND_CTL_ELEM_TYPE_INTEGER },
	{ .name = "Speaker System Curve", .type = SND_CTL_ELEM_TYPE_ENUMERATED },
	{ .name = "Speaker System Curve", .index = 1, .type = SND_CTL_ELEM_TYPE_ENUMERATED },
	{ .name = "Speaker System Locked", .type = SND_CTL_ELEM_TYPE_BOOLEAN,
	  .stays_locked = true },
	{ .name = "Speaker System2 Other", .type = SND_CTL_ELEM_TYPE_BOOLEAN },
};

#define ELEMENTS	(sizeof(elements) / sizeof(elements[0]))

static int add(snd_ctl_t *ctl, size_t i, snd_ctl_elem_id_t *id)
{
	snd_ctl_elem_info_t *info;
	int err;

	snd_ctl_elem_info_alloca(&info);
	snd_ctl_elem_info_set_interface(info, SND_CTL_ELEM_IFACE_MIXER);
	snd_ctl_elem_info_set_name(info, elements[i].name);
	snd_ctl_elem_info_set_index(info, elements[i].index);
	switch (elements[i].type) {
	case SND_CTL_ELEM_TYPE_INTEGER:
		err = snd_ctl_add_integer_elem_set(ctl, info, 1, 2, -10, 10, 2);
		break;
	case SND_CTL_ELEM_TYPE_ENUMERATED:
		err = snd_ctl_add_enumerated_elem_set(ctl, info, 1, 1, 3, items);
		break;
	default:
		err = snd_ctl_add_boolean_elem_set(ctl, info, 1, 2);
		break;
	}
	if (err < 0)
		return err;
	snd_ctl_elem_info_get_id(info, id);
	/* Who adds an element has it locked. */
	return elements[i].stays_locked ? 0 : snd_ctl_elem_unlock(ctl, id);
}

int main(int argc, char **argv)
{
	snd_ctl_elem_id_t *ids[ELEMENTS] = { NULL };
	size_t added = 0;
	char name[16];
	snd_ctl_t *ctl;
	int err;

	snprintf(name, sizeof(name), "hw:%s", argc > 1 ? argv[1] : "0");
	err = snd_ctl_open(&ctl, name, 0);
	for (; err >= 0 && added < ELEMENTS; added++) {
		snd_ctl_elem_id_malloc(&ids[added]);
		err = add(ctl, added, ids[added]);
	}
	puts(err < 0 ? snd_strerror(err) : "ready");
	fflush(stdout);
	while (err >= 0 && getchar() != EOF)
		;
	for (size_t i = 0; i < added; i++) {
		snd_ctl_elem_lock(ctl, ids[i]);
		snd_ctl_elem_remove(ctl, ids[i]);
	}
	return err < 0;
}

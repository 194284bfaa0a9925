// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: what the core lets a driver register
 *
 * DOC: The idea
 *
 * The core refuses what a driver registers wrongly, with the error that its documentation says.
 * Reading /sys/kernel/debug/snd-audio-module-virtual/cardN/registration makes each mistake once and
 * tells in KTAP whether the core said that. All but four are made on sound cards of their own. Only
 * those that show which number the core's hwdep device gets are registered, for a moment.
 */

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/seq_file.h>
#include <sound/hwdep.h>
#include <sound/minors.h>

#include "virtual.h"

#define LABEL_30	"abcdefghijklmnopqrstuvwxyz0123"
#define LABEL_31	LABEL_30 "4"
#define LABEL_32	LABEL_31 "5"
/* One character that is two UTF-16 units. */
#define NOTE		"\xf0\x9f\x8e\xb5"

/* A PCM device that a stream's module, or an endpoint, is given */
enum pcm_device { DEVICE_OWN, DEVICE_STRAY, DEVICE_HIGH, DEVICE_FOREIGN, DEVICES };

static const unsigned int device_numbers[DEVICES] = {
	[DEVICE_OWN]		= 0,
	[DEVICE_STRAY]		= 1,	/* which no endpoint was given */
	[DEVICE_HIGH]		= 32,
	[DEVICE_FOREIGN]	= 0,	/* of another card */
};

/**
 * struct scene - what there is to make mistakes with
 * @virtual: a card that is registered
 * @seq: where the results go
 * @number: of the next one
 * @card: a card that is not registered
 * @foreign: another one
 * @port: "Port", of @card
 * @module: "Module", of @port
 * @pcm: PCM devices, enum pcm_device
 */
struct scene {
	struct virtual_card *virtual;
	struct seq_file *seq;
	unsigned int number;
	struct snd_card *card;
	struct snd_card *foreign;
	struct snd_audio_module_port *port;
	struct snd_audio_module *module;
	struct snd_pcm *pcm[DEVICES];
};

static const guid_t taken_id =
	GUID_INIT(0x6c1d4f70, 0x9a33, 0x4e0b, 0xb5, 0x21, 0x08, 0x5e, 0xd4, 0x7a, 0x1c, 0x01);
static const guid_t free_id =
	GUID_INIT(0x6c1d4f70, 0x9a33, 0x4e0b, 0xb5, 0x21, 0x08, 0x5e, 0xd4, 0x7a, 0x1c, 0x02);

#define CLASS_ID \
	GUID_INIT(0x6c1d4f70, 0x9a33, 0x4e0b, 0xb5, 0x21, 0x08, 0x5e, 0xd4, 0x7a, 0x1c, 0x03)

static const struct snd_audio_module_descriptor right_descriptor = {
	CLASS_ID, 1, 1, 0, "Module", "A module", 8
};

static void tell(struct scene *scene, const char *what, const char *behaviour, int expected,
		 int got)
{
	bool passed = got == expected;

	seq_printf(scene->seq, "%sok %u %s %s\n", passed ? "" : "not ", ++scene->number, what,
		   behaviour);
	if (!passed)
		seq_printf(scene->seq, "# expected %d, got %d\n", expected, got);
}

/* ------------------------------------------------------------------ ports */

static const struct {
	const char *behaviour;
	const char *name;
	const guid_t *device_id;
	int expected;
} port_rows[] = {
	{ "without a name", NULL, &free_id, -EINVAL },
	{ "with an empty name", "", &free_id, -EINVAL },
	{ "with '/' in its name", "Line/In", &free_id, -EINVAL },
	{ "with ':' in its name", "Line:In", &free_id, -EINVAL },
	{ "with a control character in its name", "Line\tIn", &free_id, -EINVAL },
	{ "with UTF-8 in its name", "Haut-parleur int\xc3\xa9rieur", &free_id, -EINVAL },
	{ "with a name of 32 bytes", LABEL_32, &free_id, -EINVAL },
	{ "with a name whose element's is of 44 bytes", LABEL_31, &free_id, -EINVAL },
	{ "with the DeviceId GUID_NULL", "Line", &guid_null, -EINVAL },
	{ "with another's name", "Port", &free_id, -EEXIST },
	{ "with another's DeviceId", "Line", &taken_id, -EEXIST },
	{ "with a name whose element is there", "Port Module", &free_id, -EEXIST },
	{ "with a name of 30 bytes", LABEL_30, &free_id, 0 },
	{ "without a DeviceId", "Line", NULL, 0 },
};

/* What making a port says; 1: that, and what it left behind, do not agree. */
static int try_port(struct snd_card *card, const char *name, const guid_t *device_id)
{
	struct snd_audio_module_port *port = ERR_PTR(-EBUSY);
	int err = snd_audio_module_port_new(card, name, device_id, &port);
	bool agree = err ? !port : !guid_is_null(snd_audio_module_port_device_id(port));

	if (!err)
		snd_audio_module_port_put(port);
	return agree ? err : 1;
}

static void try_ports(struct scene *scene)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(port_rows); i++)
		tell(scene, "a port", port_rows[i].behaviour, port_rows[i].expected,
		     try_port(scene->card, port_rows[i].name, port_rows[i].device_id));
	tell(scene, "a port", "of no card", -EINVAL, try_port(NULL, "Line", NULL));
	tell(scene, "a port", "of a registered card", -EBUSY,
	     try_port(scene->virtual->card, "Line", NULL));
}

/* ------------------------------------------------------------------ PCM devices of a port */

static const struct {
	const char *behaviour;
	enum pcm_device device;
	int expected;
} pcm_rows[] = {
	{ "of another card", DEVICE_FOREIGN, -EINVAL },
	{ "with a number above 31", DEVICE_HIGH, -EINVAL },
	{ "twice", DEVICE_OWN, 0 },
};

static void try_pcms(struct scene *scene)
{
	const struct virtual_endpoint *endpoint = &scene->virtual->endpoints[0];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pcm_rows); i++)
		tell(scene, "a PCM device", pcm_rows[i].behaviour, pcm_rows[i].expected,
		     snd_audio_module_port_add_pcm(scene->port, scene->pcm[pcm_rows[i].device]));
	tell(scene, "a PCM device", "without a port", 0,
	     snd_audio_module_port_add_pcm(NULL, scene->pcm[DEVICE_OWN]));
	tell(scene, "a PCM device", "of a registered card", endpoint->port ? -EBUSY : 0,
	     snd_audio_module_port_add_pcm(endpoint->port, endpoint->pcm));
}

/* ------------------------------------------------------------------ modules */

static const struct {
	const char *behaviour;
	struct snd_audio_module_descriptor descriptor;
	int expected;
} module_rows[] = {
	{ "with the ClassId GUID_NULL", { {}, 2, 1, 0, "Line", "A line", 8 }, -EINVAL },
	{ "without a label", { CLASS_ID, 2, 1, 0, NULL, "A line", 8 }, -EINVAL },
	{ "with an empty label", { CLASS_ID, 2, 1, 0, "", "A line", 8 }, -EINVAL },
	{ "with ':' in its label", { CLASS_ID, 2, 1, 0, "Line:In", "A line", 8 }, -EINVAL },
	{ "with a label of 32 bytes", { CLASS_ID, 2, 1, 0, LABEL_32, "A line", 8 }, -EINVAL },
	{ "with a label whose element's name is of 44 bytes",
	  { CLASS_ID, 2, 1, 0, "abcdefghijklmnopqrstuvwxyz", "A line", 8 }, -EINVAL },
	{ "without a name", { CLASS_ID, 2, 1, 0, "Line", NULL, 8 }, -EINVAL },
	{ "with an empty name", { CLASS_ID, 2, 1, 0, "Line", "", 8 }, -EINVAL },
	{ "with a name that is not UTF-8", { CLASS_ID, 2, 1, 0, "Line", "\xe9t\xe9", 8 }, -EINVAL },
	{ "with a name that ends in a character",
	  { CLASS_ID, 2, 1, 0, "Line", "A \xf0\x9f\x8e", 8 }, -EINVAL },
	{ "with a control character in its name",
	  { CLASS_ID, 2, 1, 0, "Line", "A\nline", 8 }, -EINVAL },
	{ "with DEL in its name", { CLASS_ID, 2, 1, 0, "Line", "A\x7f", 8 }, -EINVAL },
	{ "with a name of 128 UTF-16 units",
	  { CLASS_ID, 2, 1, 0, "Line",
	    LABEL_30 LABEL_30 LABEL_30 LABEL_30 "123456" NOTE, 8 }, -EINVAL },
	{ "with notifications that are too long",
	  { CLASS_ID, 2, 1, 0, "Line", "A line", SND_AUDIO_MODULE_MAX_VENDOR_SIZE + 1 }, -EINVAL },
	{ "with another's ClassId and InstanceId",
	  { CLASS_ID, 1, 1, 0, "Line", "A line", 8 }, -EEXIST },
	{ "with another's label", { CLASS_ID, 2, 1, 0, "Module", "A line", 8 }, -EEXIST },
	{ "with a label whose element is there",
	  { CLASS_ID, 2, 1, 0, "Element", "A line", 8 }, -EEXIST },
	{ "with a name of 127 UTF-16 units",
	  { CLASS_ID, 2, 1, 0, "Line",
	    LABEL_30 LABEL_30 LABEL_30 LABEL_30 "12345" NOTE, 8 }, 0 },
	{ "with the longest notifications",
	  { CLASS_ID, 2, 1, 0, "Long", "A line", SND_AUDIO_MODULE_MAX_VENDOR_SIZE }, 0 },
};

/* 1: what registering said, and the module that it left behind, do not agree. */
static int give_back(struct snd_audio_module *module, int err)
{
	if (err)
		return module ? 1 : err;
	snd_audio_module_unregister(module);
	return module ? 0 : 1;
}

static int try_module(struct snd_audio_module_port *port,
		      const struct snd_audio_module_descriptor *descriptor)
{
	struct snd_audio_module *module = ERR_PTR(-EBUSY);
	int err = snd_audio_module_register(port, descriptor, NULL, NULL, &module);

	return give_back(module, err);
}

static void try_modules(struct scene *scene)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(module_rows); i++)
		tell(scene, "a module", module_rows[i].behaviour, module_rows[i].expected,
		     try_module(scene->port, &module_rows[i].descriptor));
}

/*
 * They get no element, whose name could be too long or there already. Without a port, there is no
 * module.
 */
static void try_late_modules(struct scene *scene)
{
	const struct virtual_endpoint *endpoint = &scene->virtual->endpoints[0];
	struct snd_audio_module_descriptor late = right_descriptor;

	late.label = LABEL_32;
	tell(scene, "a late module", "with a label of 32 bytes", endpoint->port ? -EINVAL : 1,
	     try_module(endpoint->port, &late));
	late.label = endpoint->modules[0].descriptor.label;
	tell(scene, "a late module", "with another's label", endpoint->port ? -EEXIST : 1,
	     try_module(endpoint->port, &late));
}

/* ------------------------------------------------------------------ modules of streams */

static const struct {
	const char *behaviour;
	enum pcm_device device;
	unsigned int direction;
	const char *label;
	int expected;
} stream_rows[] = {
	{ "of another card", DEVICE_FOREIGN, SNDRV_PCM_STREAM_PLAYBACK, "Line", -EINVAL },
	{ "of another endpoint", DEVICE_STRAY, SNDRV_PCM_STREAM_PLAYBACK, "Line", -EINVAL },
	{ "of a device above 31", DEVICE_HIGH, SNDRV_PCM_STREAM_PLAYBACK, "Line", -EINVAL },
	{ "without a label", DEVICE_OWN, SNDRV_PCM_STREAM_PLAYBACK, NULL, -EINVAL },
	{ "with a label that gets too long", DEVICE_OWN, SNDRV_PCM_STREAM_PLAYBACK,
	  "abcdefghijklmnopqrstuvwxyz01", -EINVAL },
	{ "with the longest label", DEVICE_OWN, SNDRV_PCM_STREAM_PLAYBACK,
	  "abcdefghijklmnopqrstuvwxyz0", 0 },
	{ "that records", DEVICE_OWN, SNDRV_PCM_STREAM_CAPTURE, "Line", 0 },
};

static int try_stream(struct scene *scene, size_t row)
{
	struct snd_pcm *pcm = scene->pcm[stream_rows[row].device];
	struct snd_pcm_substream *substream = pcm->streams[stream_rows[row].direction].substream;
	struct snd_audio_module_descriptor descriptor = right_descriptor;
	struct snd_audio_module *module = ERR_PTR(-EBUSY);
	int err;

	descriptor.instance_id = 2;
	descriptor.label = stream_rows[row].label;
	err = snd_audio_module_register_stream(scene->port, substream, &descriptor, NULL, NULL,
					       &module);
	return give_back(module, err);
}

static void try_streams(struct scene *scene)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stream_rows); i++)
		tell(scene, "a stream's module", stream_rows[i].behaviour,
		     stream_rows[i].expected, try_stream(scene, i));
}

/* ------------------------------------------------------------------ the hwdep device */

static const struct {
	const char *behaviour;
	const char *port;
	int taken;	/* numbers, from the last one down */
	int expected;
} hwdep_rows[] = {
	{ "has the last number", "Port", 0, SNDRV_MINOR_HWDEPS - 1 },
	{ "has another number where the driver took that", "Port", 1, SNDRV_MINOR_HWDEPS - 2 },
	{ "has the first number where the driver took all others", "Port",
	  SNDRV_MINOR_HWDEPS - 1, 0 },
	{ "is left out where the driver took all", "Port", SNDRV_MINOR_HWDEPS, -ENOENT },
	{ "is left out where no port could be made", LABEL_31, 0, -ENOENT },
};

static int hwdep_number(struct snd_card *card)
{
	struct snd_device *device;

	list_for_each_entry(device, &card->devices, list) {
		const struct snd_hwdep *hwdep = device->device_data;

		if (device->type == SNDRV_DEV_HWDEP &&
		    !strcmp(hwdep->id, SND_AUDIO_MODULE_HWDEP_ID))
			return hwdep->device;
	}
	return -ENOENT;
}

/* The number on a card whose driver makes its own devices after the core's port, or what fails */
static int try_hwdep(struct snd_card *card, const char *name, int taken)
{
	struct snd_audio_module_port *port;
	struct snd_hwdep *hwdep;
	int i, err = 0;

	/* A driver goes on without one (IF-2). */
	snd_audio_module_port_new(card, name, NULL, &port);
	for (i = 1; !err && i <= taken; i++)
		err = snd_hwdep_new(card, "Driver's own", SNDRV_MINOR_HWDEPS - i, &hwdep);
	err = err ?: snd_card_register(card);
	err = err ?: hwdep_number(card);
	snd_audio_module_port_put(port);
	return err;
}

static void try_hwdeps(struct scene *scene)
{
	struct snd_card *card;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(hwdep_rows); i++) {
		ret = snd_card_new(scene->virtual->card->dev, -1, NULL, THIS_MODULE, 0, &card);
		if (!ret) {
			ret = try_hwdep(card, hwdep_rows[i].port, hwdep_rows[i].taken);
			snd_card_free(card);
		}
		tell(scene, "the hwdep device", hwdep_rows[i].behaviour, hwdep_rows[i].expected,
		     ret);
	}
}

/* ------------------------------------------------------------------ the scene */

static int element_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	return -ENODEV;
}

/* An element that the driver has already, of a name that the core would give one of its own */
static int add_element(struct snd_card *card)
{
	const struct snd_kcontrol_new template = {
		.iface = SNDRV_CTL_ELEM_IFACE_CARD,
		.name = "Port Element Notification",
		.info = element_info,
	};

	return snd_ctl_add(card, snd_ctl_new1(&template, NULL));
}

static int make_devices(struct scene *scene)
{
	enum pcm_device device;
	int err = 0;

	for (device = 0; device < DEVICES && !err; device++)
		err = snd_pcm_new(device == DEVICE_FOREIGN ? scene->foreign : scene->card, "Device",
				  device_numbers[device], 1, 1, &scene->pcm[device]);
	return err;
}

static int make_scene(struct scene *scene)
{
	struct device *parent = scene->virtual->card->dev;
	int err;

	err = snd_card_new(parent, -1, NULL, THIS_MODULE, 0, &scene->card);
	if (err)
		return err;
	err = snd_card_new(parent, -1, NULL, THIS_MODULE, 0, &scene->foreign);
	if (err)
		return err;
	err = make_devices(scene);
	if (err)
		return err;
	err = add_element(scene->card);
	if (err)
		return err;
	err = snd_audio_module_port_new(scene->card, "Port", &taken_id, &scene->port);
	if (err)
		return err;
	err = snd_audio_module_port_add_pcm(scene->port, scene->pcm[DEVICE_OWN]);
	if (err)
		return err;
	return snd_audio_module_register(scene->port, &right_descriptor, NULL, NULL,
					 &scene->module);
}

static void free_scene(struct scene *scene)
{
	snd_audio_module_unregister(scene->module);
	snd_audio_module_port_put(scene->port);
	if (scene->foreign)
		snd_card_free(scene->foreign);
	if (scene->card)
		snd_card_free(scene->card);
}

static int registration_show(struct seq_file *seq, void *offset)
{
	struct scene scene = { .virtual = seq->private, .seq = seq };
	int err;

	seq_printf(seq, "KTAP version 1\n1..%zu\n",
		   ARRAY_SIZE(port_rows) + 2 + ARRAY_SIZE(pcm_rows) + 2 +
		   ARRAY_SIZE(module_rows) + 2 + ARRAY_SIZE(stream_rows) +
		   ARRAY_SIZE(hwdep_rows));
	err = make_scene(&scene);
	if (!err) {
		try_ports(&scene);
		try_pcms(&scene);
		try_modules(&scene);
		try_late_modules(&scene);
		try_streams(&scene);
		try_hwdeps(&scene);
	}
	free_scene(&scene);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(registration);

/**
 * virtual_registration_new - make the file that tells what may be registered
 * @virtual: a card that is registered, with its folder
 */
void virtual_registration_new(struct virtual_card *virtual)
{
	debugfs_create_file("registration", 0400, virtual->debugfs, virtual, &registration_fops);
}

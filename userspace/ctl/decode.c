// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the virtual device's notifications (<sound/audio_module_virtual.h>), told apart by ClassId.
 * Whatever does not fit that description to the byte is shown as bytes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sound/audio_module_virtual.h>

#include "decode.h"
#include "output.h"

static const char *const channel_names[2] = { "L", "R" };

static bool is_meter(const struct audiomodule_record *record)
{
	static const struct audiomodule_guid meter = { SND_AUDIO_MODULE_VIRTUAL_METER };

	return record->has_identity && audiomodule_guid_equal(&record->class_id, &meter);
}

static bool has_parameters(const struct audiomodule_record *record)
{
	static const struct audiomodule_guid classes[] = {
		{ SND_AUDIO_MODULE_VIRTUAL_MODULE0 },
		{ SND_AUDIO_MODULE_VIRTUAL_MODULE1 },
		{ SND_AUDIO_MODULE_VIRTUAL_MODULE2 },
	};

	for (size_t i = 0; record->has_identity && i < sizeof(classes) / sizeof(classes[0]); i++)
		if (audiomodule_guid_equal(&record->class_id, &classes[i]))
			return true;
	return false;
}

/* In hundredths, as it is shown: full scale but for one step is 0, not "-0.0". */
static double to_dbfs(uint32_t peak)
{
	return peak ? round(2000 * log10(peak / 32768.0)) / 100 + 0.0 : -INFINITY;
}

static void decode_meter(const struct audiomodule_record *record, struct decoded *decoded)
{
	struct snd_audio_module_virtual_meter meter;

	if (record->tail_size != sizeof(meter))
		return;
	memcpy(&meter, record->tail, sizeof(meter));
	if (meter.channels < 1 || meter.channels > 2)
		return;
	if (meter.type == SND_AUDIO_MODULE_VIRTUAL_METER_LEVEL)
		decoded->kind = DECODED_LEVEL;
	else if (meter.type == SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE)
		decoded->kind = DECODED_SILENCE;
	else if (meter.type == SND_AUDIO_MODULE_VIRTUAL_METER_SOUND)
		decoded->kind = DECODED_SOUND;
	else if (meter.type == SND_AUDIO_MODULE_VIRTUAL_METER_CLIP)
		decoded->kind = DECODED_CLIP;
	decoded->channels = meter.channels;
	decoded->frames = meter.frames;
	for (unsigned int i = 0; i < meter.channels; i++) {
		decoded->dbfs[i] = to_dbfs(meter.peak[i]);
		decoded->clipped[i] = meter.clipped[i];
	}
}

static void decode_parameter(const struct audiomodule_record *record, struct decoded *decoded)
{
	struct snd_audio_module_virtual_parameter parameter;

	if (record->tail_size != sizeof(parameter))
		return;
	memcpy(&parameter, record->tail, sizeof(parameter));
	if (parameter.type != 0)
		return;
	decoded->kind = DECODED_PARAMETER;
	decoded->parameter = parameter.parameter;
}

void decode(const struct audiomodule_record *record, struct decoded *decoded)
{
	memset(decoded, 0, sizeof(*decoded));
	if (is_meter(record))
		decode_meter(record, decoded);
	else if (has_parameters(record))
		decode_parameter(record, decoded);
}

static void print_bytes(const struct audiomodule_record *record)
{
	size_t shown = record->tail_size < HEX_BYTES ? record->tail_size : HEX_BYTES;

	printf("%zu bytes", record->tail_size);
	for (size_t i = 0; i < shown; i++)
		printf("%s%02x", i ? " " : ": ", record->tail[i]);
	if (shown < record->tail_size)
		fputs(" ...", stdout);
}

static void print_level(const struct decoded *decoded)
{
	for (unsigned int i = 0; i < decoded->channels; i++)
		printf("%s%s %.1f dBFS", i ? " " : "", channel_names[i],
		       decoded->dbfs[i] > -0.05 ? 0.0 : decoded->dbfs[i]);
}

static void print_clip(const struct decoded *decoded)
{
	fputs("clip", stdout);
	for (unsigned int i = 0; i < decoded->channels; i++)
		printf(" %s %" PRIu32, channel_names[i], decoded->clipped[i]);
	fputs(" samples", stdout);
}

void print_decoded(const struct audiomodule_record *record)
{
	struct decoded decoded;

	decode(record, &decoded);
	switch (decoded.kind) {
	case DECODED_LEVEL:
		print_level(&decoded);
		break;
	case DECODED_SILENCE:
		fputs("silence", stdout);
		break;
	case DECODED_SOUND:
		fputs("sound", stdout);
		break;
	case DECODED_CLIP:
		print_clip(&decoded);
		break;
	case DECODED_PARAMETER:
		printf("parameter %" PRIu32 " changed", decoded.parameter);
		break;
	case DECODED_NOTHING:
		print_bytes(record);
		break;
	}
}

/* JSON has no infinity: silence is null. */
static void json_dbfs(bool *first, const struct decoded *decoded)
{
	json_open(first, "peak_dbfs", '[');
	for (unsigned int i = 0; i < decoded->channels; i++) {
		fputs(i ? "," : "", stdout);
		if (isinf(decoded->dbfs[i]))
			fputs("null", stdout);
		else
			printf("%.2f", decoded->dbfs[i]);
	}
	json_close(']');
}

static void json_meter(bool *first, const struct decoded *decoded)
{
	static const char *const events[] = {
		[DECODED_LEVEL] = "level",
		[DECODED_SILENCE] = "silence",
		[DECODED_SOUND] = "sound",
		[DECODED_CLIP] = "clip",
	};
	bool inner = true;

	json_text(first, "event", events[decoded->kind]);
	json_dbfs(first, decoded);
	json_open(first, "clipped", '[');
	for (unsigned int i = 0; i < decoded->channels; i++)
		json_unsigned(&inner, NULL, decoded->clipped[i]);
	json_close(']');
	json_unsigned(first, "frames", decoded->frames);
}

static void json_decoded(bool *first, const struct audiomodule_record *record)
{
	struct decoded decoded;
	bool inner = true;

	decode(record, &decoded);
	if (decoded.kind == DECODED_NOTHING)
		return;
	json_open(first, "decoded", '{');
	if (decoded.kind == DECODED_PARAMETER) {
		json_text(&inner, "event", "parameter_changed");
		json_unsigned(&inner, "parameter", decoded.parameter);
	} else {
		json_meter(&inner, &decoded);
	}
	json_close('}');
}

void json_record(bool *first, const struct audiomodule_record *record)
{
	json_unsigned(first, "sequence", record->sequence);
	json_unsigned(first, "timestamp_ns", record->timestamp);
	json_guid(first, "notification_id", &record->notification_id);
	if (record->has_identity) {
		json_guid(first, "class_id", &record->class_id);
		json_unsigned(first, "instance_id", record->instance_id);
	}
	json_bytes(first, "data", record->tail, record->tail_size);
	json_decoded(first, record);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: how much the daemon says can be read by everybody and set by root: sd-bus lets only root
 * write a property that is not marked for others. Where it goes to is decided by who starts us
 * (stderr), so that can only be read.
 */
#include <errno.h>
#include <string.h>

#include "log-control.h"
#include "log.h"
#include "quote.h"

static const char *const level_names[] = {
	[LOG_EMERG] = "emerg",
	[LOG_ALERT] = "alert",
	[LOG_CRIT] = "crit",
	[LOG_ERR] = "err",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

#define LEVELS	((int)(sizeof(level_names) / sizeof(level_names[0])))

static int get_level(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *context, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)context, (void)error;
	return sd_bus_message_append(reply, "s", level_names[log_level()]);
}

static int set_level(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *value, void *context, sd_bus_error *error)
{
	const char *name;
	int level = 0;
	int r = sd_bus_message_read(value, "s", &name);

	(void)bus, (void)path, (void)interface, (void)property, (void)context;
	if (r < 0)
		return r;
	while (level < LEVELS && strcmp(level_names[level], name) != 0)
		level++;
	if (level == LEVELS)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
					 "\"%s\" is no level; use emerg, alert, crit, err, "
					 "warning, notice, info or debug", quote(name).text);
	log_set_level(level);
	return 0;
}

static int get_target(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *reply, void *context, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)context, (void)error;
	return sd_bus_message_append(reply, "s", "console");
}

static int set_target(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *value, void *context, sd_bus_error *error)
{
	const char *name;
	int r = sd_bus_message_read(value, "s", &name);

	(void)bus, (void)path, (void)interface, (void)property, (void)context;
	if (r < 0 || strcmp(name, "console") == 0)
		return r;
	return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED,
				 "Messages go to stderr, \"console\"; who starts audiomoduled "
				 "decides where that is");
}

static int get_identifier(sd_bus *bus, const char *path, const char *interface,
			  const char *property, sd_bus_message *reply, void *context,
			  sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)context, (void)error;
	return sd_bus_message_append(reply, "s", "audiomoduled");
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, 0),
	SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, 0),
	SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END
};

int log_control_register(sd_bus *bus)
{
	return sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/LogControl1",
					"org.freedesktop.LogControl1", vtable, NULL);
}

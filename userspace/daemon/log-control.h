/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: org.freedesktop.LogControl1, which `systemctl service-log-level audiomoduled LEVEL` uses.
 */
#ifndef AUDIOMODULED_LOG_CONTROL_H
#define AUDIOMODULED_LOG_CONTROL_H

#include <systemd/sd-bus.h>

int log_control_register(sd_bus *bus);

#endif /* AUDIOMODULED_LOG_CONTROL_H */

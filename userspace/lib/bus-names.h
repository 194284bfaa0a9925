/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: the words of org.audiomodule1 that daemon and library must spell alike. audiomoduled(8)
 * documents them.
 */
#ifndef AUDIOMODULE_BUS_NAMES_H
#define AUDIOMODULE_BUS_NAMES_H

#define BUS_NAME		"org.audiomodule1"
#define BUS_ROOT		"/org/audiomodule1"
#define BUS_ENDPOINT		"org.audiomodule1.Endpoint"
#define BUS_MODULE		"org.audiomodule1.Module"

#define BUS_ERROR_UNKNOWN_OPTION	"org.audiomodule1.Error.UnknownOption"
#define BUS_ERROR_INVALID_ARGUMENT	"org.audiomodule1.Error.InvalidArgument"
#define BUS_ERROR_STALE_JOURNAL		"org.audiomodule1.Error.StaleJournal"
#define BUS_ERROR_FUTURE_SEQUENCE	"org.audiomodule1.Error.FutureSequence"
#define BUS_ERROR_GONE			"org.audiomodule1.Error.Gone"
#define BUS_ERROR_ALREADY_SUBSCRIBED	"org.audiomodule1.Error.AlreadySubscribed"
#define BUS_ERROR_NOT_SUBSCRIBED	"org.audiomodule1.Error.NotSubscribed"
#define BUS_ERROR_TOO_MANY		"org.audiomodule1.Error.TooManySubscriptions"
#define BUS_ERROR_TOO_MANY_COMMANDS	"org.audiomodule1.Error.TooManyCommands"
#define BUS_ERROR_NOT_AUTHORIZED	"org.audiomodule1.Error.NotAuthorized"
#define BUS_ERROR_FAILED		"org.audiomodule1.Error.Failed"

#endif /* AUDIOMODULE_BUS_NAMES_H */

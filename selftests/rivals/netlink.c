// SPDX-License-Identifier: GPL-2.0
/*
 * Rivals of ALSA audio modules: generic netlink
 *
 * DOC: The idea
 *
 * A family with one multicast group and a message with the value as its only attribute. Memory is
 * asked for as a driver has to that may be in an interrupt, where ours can post, too.
 */

#include <linux/module.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "rivals.h"

#define COMMAND_VALUE	1

static const struct genl_multicast_group groups[] = {
	{ .name = RIVAL_GROUP },
};

static struct genl_family family = {
	.name = RIVAL_FAMILY,
	.version = 1,
	.maxattr = RIVAL_ATTRIBUTE,
	.module = THIS_MODULE,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static void send_one(const u64 *payload, u32 size)
{
	struct sk_buff *message = genlmsg_new(nla_total_size(size), GFP_ATOMIC);
	void *header;

	if (!message)
		return;
	header = genlmsg_put(message, 0, 0, &family, 0, COMMAND_VALUE);
	if (!header || nla_put(message, RIVAL_ATTRIBUTE, size, payload)) {
		nlmsg_free(message);
		return;
	}
	genlmsg_end(message, header);
	/* Whether a reader had room is for the reader to find out. */
	genlmsg_multicast(&family, message, 0, 0, GFP_ATOMIC);
}

static void netlink_send(u64 *payload, u32 size, u64 number, u32 count)
{
	for (; count; count--, number++) {
		payload[0] = number;
		send_one(payload, size);
	}
}

static int netlink_init(void)
{
	return genl_register_family(&family);
}

static void netlink_exit(void)
{
	genl_unregister_family(&family);
}

const struct rival rival_netlink = {
	.name = "netlink",
	.init = netlink_init,
	.exit = netlink_exit,
	.most = RIVAL_SIZE_MOST,
	.send = netlink_send,
};

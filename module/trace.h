/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ALSA audio modules: tracepoints
 *
 * audio_module:snd_audio_module_send for each notification that was written,
 * audio_module:snd_audio_module_refused for each call that was dropped or refused, by cause.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM audio_module

#if !defined(__AUDIO_MODULE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __AUDIO_MODULE_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(snd_audio_module_send,
	    TP_PROTO(int card, u16 endpoint, u16 module, u64 sequence, u32 data_size),
	    TP_ARGS(card, endpoint, module, sequence, data_size),
	    TP_STRUCT__entry(__field(u64, sequence)
			     __field(int, card)
			     __field(u32, data_size)
			     __field(u16, endpoint)
			     __field(u16, module)
	    ),
	    TP_fast_assign(__entry->sequence = sequence;
			   __entry->card = card;
			   __entry->data_size = data_size;
			   __entry->endpoint = endpoint;
			   __entry->module = module;
	    ),
	    TP_printk("card=%d endpoint=%u module=%u sequence=%llu data_size=%u",
		      __entry->card, __entry->endpoint, __entry->module, __entry->sequence,
		      __entry->data_size)
);

TRACE_EVENT(snd_audio_module_refused,
	    TP_PROTO(int card, u16 endpoint, unsigned int counter),
	    TP_ARGS(card, endpoint, counter),
	    TP_STRUCT__entry(__field(int, card)
			     __field(unsigned int, counter)
			     __field(u16, endpoint)
	    ),
	    TP_fast_assign(__entry->card = card;
			   __entry->counter = counter;
			   __entry->endpoint = endpoint;
	    ),
	    TP_printk("card=%d endpoint=%u counter=%u", __entry->card, __entry->endpoint,
		      __entry->counter)
);

#endif /* __AUDIO_MODULE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

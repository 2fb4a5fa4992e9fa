/* The table of struct capture_minute. */
#include "tomsd/flow_row.h"

static const struct col capture_minute_cols[] = {
	COL(capture_minute, id, COL_I64, "event.id", "given by the store"),
	COL(capture_minute, at_ns, COL_TIME, "@timestamp", "start of the minute"),
	COL(capture_minute, packets, COL_U64, "toms.capture.packets", "read by us"),
	COL(capture_minute, bytes, COL_U64, "toms.capture.bytes", "of those, on the wire"),
	COL(capture_minute, kernel_drops, COL_U64, "toms.capture.kernel_drops",
	    "the kernel's ring was full"),
	COL(capture_minute, nic_drops, COL_U64, "toms.capture.interface_drops",
	    "the interface's own counter"),
	COL(capture_minute, own_drops, COL_U64, "toms.capture.own_drops",
	    "a flow thread's queue was full"),
	COL(capture_minute, bad_frames, COL_U64, "toms.capture.bad_frames",
	    "truncated or lying headers"),
	COL(capture_minute, up_seconds, COL_U32, "toms.capture.up_seconds",
	    "of 60: the interface was there and read"),
	COLF(capture_minute, interface, COL_TEXT, "observer.ingress.interface.name",
	     "as the kernel calls it", COL_OMIT_ZERO | COL_DICT | COL_TOKEN | COL_BODY),
};

static const struct out_col capture_minute_outs[] = {
	{ "@timestamp", "at_ns", NULL, NULL },
	{ "event.id", "id", NULL, NULL },
	{ "observer.ingress.interface.name", "interface", NULL, NULL },
	{ "toms.capture.packets", "packets", NULL, NULL },
	{ "toms.capture.bytes", "bytes", NULL, NULL },
	{ "toms.capture.kernel_drops", "kernel_drops", NULL, NULL },
	{ "toms.capture.interface_drops", "nic_drops", NULL, NULL },
	{ "toms.capture.own_drops", "own_drops", NULL, NULL },
	{ "toms.capture.bad_frames", "bad_frames", NULL, NULL },
	{ "toms.capture.up_seconds", "up_seconds", NULL, NULL },
};

const struct record capture_minute_record =
	RECORD(capture_minute, capture_minute_cols, capture_minute_outs, "id", "at_ns");

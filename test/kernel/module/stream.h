/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The migration stream: records of one header and one payload each. A v1 segment is exactly one
 * record; the bytes of a v2 data descriptor are the same records one after the other.
 */
#ifndef TRANSSHIP_STREAM_H
#define TRANSSHIP_STREAM_H

#include <linux/types.h>
#include <linux/uuid.h>

#define TS_RECORD_MAGIC 0x3144524f43455254ULL /* "TRECORD1" on the wire */

#define TS_LINKS 8 /* links that one device may have in each direction */

enum ts_record_kind {
	TS_RECORD_IDENTITY = 1, /* struct ts_identity: always the first */
	TS_RECORD_PAGES = 2, /* count page numbers (u32, padded to 8 bytes), then the pages */
	TS_RECORD_FINAL = 3, /* struct ts_final: always the last; of a stopped device only */
};

/* All fields little-endian, as every machine that loads this module is. */
struct ts_record {
	u64 magic;
	u64 session; /* random, one per saving session */
	u32 index; /* 0, 1, ... in its session */
	u32 kind;
	u64 size; /* of the whole record */
	u32 count; /* pages of a TS_RECORD_PAGES */
	u32 reserved;
	u64 digest; /* xxh64 of the payload, seeded with session + index */
};

struct ts_identity {
	u32 vendor, device;
	u32 revision;
	u32 pages; /* of the state memory */
	guid_t id; /* under which its peers know the device; travels */
	u32 reserved[4];
};

/* Both ends of links as they travel. */
struct ts_out_record {
	guid_t to;
	u64 sent, lost;
};

struct ts_in_record {
	guid_t from;
	u64 expected; /* number of the next transaction */
	u64 received, gaps, doubles;
};

struct ts_uart_record {
	u8 ier, fcr, lcr, mcr, scr, overrun;
	u8 divisor_low, divisor_high;
	u8 fifo[16];
	u32 head, count; /* fifo[head] is the oldest byte */
};

struct ts_dma_record {
	u64 iova, length, stride;
	u64 count, errors;
	u32 interval_us, control;
};

struct ts_final {
	guid_t id;
	u32 traffic, nr_out, nr_in;
	u32 pending_irqs; /* vectors latched while the device might not interrupt */
	u64 scratch;
	u64 work; /* own pages rewritten so far: seed of the next ones */
	struct ts_uart_record uart;
	struct ts_dma_record dma;
	struct ts_out_record out[TS_LINKS];
	struct ts_in_record in[TS_LINKS];
};

#endif

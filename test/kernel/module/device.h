/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A migratable PCI-like device without hardware: state memory, a loopback UART, a DMA engine into
 * its user's memory, links on which devices DMA into each other, and two migration protocols over
 * one state machine.
 *
 * Lock order, outermost first (vfio's group and device-set locks are outside of all):
 *   state_lock    migration state, sessions, window; held for the whole of a state write
 *   fabric lock   of the module: links, transactions in flight, list of devices
 *   dma_lock      the DMA engine; held while it writes to the user's memory
 *   reg_lock      UART, configuration space, interrupts
 *   memory.lock, log.lock, faults.lock, trail.lock   leaves
 * None is ever taken with a page table lock or inside mmap, since user memory is accessed under
 * state_lock.
 */
#ifndef TRANSSHIP_DEVICE_H
#define TRANSSHIP_DEVICE_H

#include <linux/eventfd.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mdev.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "stream.h"

/* The nibble of the v1 specification; the v2 states are kept as the same bits (vfio's own V1 names
 * stop at three bits and are not used). */
#define TS_RUNNING 0x1u
#define TS_SAVING 0x2u
#define TS_RESUMING 0x4u
#define TS_NDMA 0x8u
#define TS_MASK 0xfu
#define TS_ERROR (TS_SAVING | TS_RESUMING)

#define TS_OFFSET_SHIFT 40 /* region index = file offset >> 40 */
#define TS_DECOY_REGION VFIO_PCI_NUM_REGIONS
#define TS_MIGRATION_REGION (VFIO_PCI_NUM_REGIONS + 1)
#define TS_BAR_SIZE 4096u
#define TS_CONFIG_SIZE 256u
#define TS_VECTORS 4u
#define TS_DATA_START PAGE_SIZE /* of the data section in the v1 region */
#define TS_DEPTH 64u /* transactions in flight on one link */
#define TS_FAULTS 8u
#define TS_TRAIL 64u

enum ts_mmap { TS_MMAP_NONE, TS_MMAP_FULL, TS_MMAP_MIXED };

/* Settings of one device: defaults are the module's parameters. Those above the line change only
 * while the device is closed. */
struct ts_options {
	unsigned int protocol; /* 1 or 2 */
	unsigned int state_kib;
	unsigned int segment_kib;
	unsigned int mmap; /* enum ts_mmap */
	unsigned int ndma; /* v1: capability 6 */
	unsigned int p2p, precopy, dma_logging; /* v2 */
	unsigned int precopy_info_v2; /* v2: feature 12 */
	unsigned int device_id, revision;
	/* ---- */
	unsigned int quiesce_ms; /* how much longer a quiesce takes */
	unsigned int link_us; /* time under way of one transaction */
	unsigned int traffic_us; /* between two transactions of one link */
	unsigned int dirty_kib_s; /* own memory that a running device rewrites */
	unsigned int bus_master; /* 1: no DMA while the PCI command register has it off */
	unsigned int chunk; /* v2: bytes per read or write of the data descriptor; 0 = no limit */
	unsigned int enomsg; /* v2: temporary end of a pre-copy is ENOMSG (1) or 0 (0) */
	unsigned int keep; /* 1: the last close keeps state, as mtty does */
	unsigned int surprise; /* 1: a device being removed answers ENODEV at once */
	unsigned int log_page_kib; /* page size of the DMA log, whatever is asked for */
};

/* State memory with dirty tracking per page. */
struct ts_memory {
	struct mutex lock;
	u8 *bytes;
	unsigned long pages;
	unsigned long *dirty;
	unsigned long dirty_count;
	unsigned long cursor; /* where the next look for dirty pages starts */
};

struct ts_flight {
	u64 number;
	ktime_t due;
};

struct ts_out {
	struct ts_out_record record;
	ktime_t next;
	struct ts_flight flights[TS_DEPTH];
	unsigned int head, count;
};

/* The device on the fabric; all of it under the fabric's lock. */
struct ts_port {
	guid_t id;
	bool open, running, ndma, quiescing, bus_master, traffic;
	unsigned int nr_out, nr_in;
	struct ts_out out[TS_LINKS];
	struct ts_in_record in[TS_LINKS];
	unsigned int in_flight, in_flight_at_quiesce;
	u64 work;
	ktime_t work_next;
};

struct ts_dma {
	struct mutex lock;
	struct delayed_work work;
	struct ts_dma_record reg;
	bool allowed; /* the migration state lets the device DMA, and it is open */
	bool bus_master;
	ktime_t last;
};

struct ts_log_range {
	unsigned long start, last;
	unsigned long *bits;
};

struct ts_log {
	struct mutex lock;
	struct ts_log_range *ranges;
	unsigned int nr_ranges;
	unsigned int page_shift;
	u64 reported;
};

struct ts_irqs {
	struct eventfd_ctx *vectors[TS_VECTORS];
	struct eventfd_ctx *request;
	u32 pending;
	bool allowed;
};

struct ts_uart {
	struct ts_uart_record reg;
	u64 scratch;
};

struct ts_save {
	bool active, final_told, truncated;
	u64 session;
	u32 index;
	u64 told_stopped; /* bytes told since RUNNING was cleared */
	unsigned long initial_left; /* pages not yet told for the first time */
	bool reinit;
};

struct ts_load {
	bool active, spoilt, have_identity, have_final;
	bool partial; /* v2: a record has begun to arrive */
	u64 session;
	u32 taken, next_index;
	unsigned long *loaded;
	unsigned long loaded_count;
	struct ts_identity identity;
	struct ts_final final;
};

enum ts_fault_kind {
	TS_FAULT_NONE,
	TS_FAULT_REFUSE,
	TS_FAULT_ERROR,
	TS_FAULT_STALL,
	TS_FAULT_WRONG,
	TS_FAULT_DATA,
	TS_FAULT_DATA_STALL,
	TS_FAULT_TRUNCATE,
	TS_FAULT_CORRUPT,
	TS_FAULT_GULLIBLE,
	TS_FAULT_IGNORE_RESET,
	TS_FAULT_FAIL_RESET,
	TS_FAULT_SIZE,
	TS_FAULT_LOG,
};

#define TS_ANY_STATE 0xffu

struct ts_fault {
	enum ts_fault_kind kind;
	u32 state; /* nibble, or TS_ANY_STATE */
	u32 value; /* milliseconds, record number, nibble */
	int error; /* positive errno */
	int left; /* uses; negative = for ever */
};

struct ts_faults {
	spinlock_t lock;
	struct ts_fault list[TS_FAULTS];
	unsigned int version; /* changes when faults are cleared, so that a stall ends */
};

struct ts_trail_entry {
	ktime_t time;
	u32 from, asked, now;
	int result;
};

struct ts_trail {
	spinlock_t lock;
	struct ts_trail_entry entries[TS_TRAIL];
	u64 count;
};

struct ts_v2_file;

/* Sums in which two devices of the same state agree. */
struct ts_digest {
	u64 all, memory;
};

struct ts_device {
	struct vfio_device vdev;
	struct list_head entry; /* of ts_devices, fabric lock */
	guid_t uuid;
	struct ts_options options;
	bool opened; /* state_lock */
	bool gone; /* being removed; READ_ONCE */

	struct mutex state_lock;
	u32 state; /* nibble; written under state_lock, READ_ONCE elsewhere */
	u32 upper_bits; /* 31:4 of the v1 register, as the user wrote them */
	bool pretending; /* fault: another state shows until the next write */
	u32 pretended;
	struct ts_digest kept; /* of the last stop; state_lock */
	struct ts_save save;
	struct ts_load load;
	u8 *window; /* data section of the v1 region; buffer of the v2 data descriptor */
	size_t window_size;
	unsigned int places; /* segments placed so far */
	size_t place; /* of the segment in the window */
	size_t place_size;
	bool placed; /* v1 saving: committed; v1 resuming: offset was read */
	struct ts_v2_file *file;
	bool reinit_wanted; /* v2: the user opted in to VFIO_PRECOPY_INFO_REINIT */

	struct ts_memory memory;
	struct ts_port port;
	wait_queue_head_t wait; /* drained links, ended stalls, data to read */
	struct ts_dma dma;
	struct ts_log log;

	struct mutex reg_lock;
	struct ts_uart uart;
	u8 config[TS_CONFIG_SIZE];
	u8 msix_table[TS_BAR_SIZE];
	struct ts_irqs irqs;
	bool regs_live; /* the device is RUNNING: registers answer */

	struct ts_faults faults;
	struct ts_trail trail;
	atomic64_t opens, resets, state_reads, stopped_accesses, quiesced_accesses;
};

#endif

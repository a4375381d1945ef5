/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proves the D items of the conformance list on the module's devices, with a client that shares no code with the
 * project's own. One line an item: "D-03 ok", or "D-03 FAILED" after what was wrong.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUNNING 0x1u
#define SAVING 0x2u
#define RESUMING 0x4u
#define NDMA 0x8u
#define ERROR (SAVING | RESUMING)

#define REG_STATE 0
#define REG_RESERVED 4
#define REG_PENDING 8
#define REG_OFFSET 16
#define REG_SIZE 24
#define UNDEFINED 0xdeadbeefdeadbeefull

struct device {
	const char *uuid;
	int group, fd;
	uint64_t region, region_size; /* of the migration region, as a file offset */
	uint64_t map_offset, map_size; /* of its mappable part */
	uint32_t index;
	bool ndma;
};

/* A stream: segments with their sizes. */
struct segment {
	uint8_t *bytes;
	uint64_t size;
};
struct stream {
	struct segment *list;
	size_t count;
};

extern struct device first, second; /* open, v1, each other's peers while traffic is on */
extern bool item_good;

#define EXPECT(condition)                                                                                    \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);             \
			item_good = false;                                                                   \
		}                                                                                            \
	} while (0)

/* device.c: opening, attributes in /sys, registers */
void device_open(struct device *device);
void device_close(struct device *device);
void attribute_set(const struct device *device, const char *name, const char *value);
void attribute_get(const struct device *device, const char *name, char *buffer, size_t size);
long counter(const struct device *device, const char *name);
bool counter_exceeds(const struct device *device, const char *name, long value);
void device_reset(const struct device *device);
int interrupt_open(const struct device *device, unsigned int vector);
uint32_t state_get(const struct device *device);
int state_set(const struct device *device, uint32_t value); /* 0 or errno */
uint64_t field_get(const struct device *device, unsigned int field);
void sleep_ms(unsigned int ms);
double seconds(void);

/* stream.c: whole sessions; the device is in the right state */
void stream_save(const struct device *device, struct stream *stream, size_t most);
int segment_load(const struct device *device, const struct segment *segment); /* 0 or errno */
int stream_load(const struct device *device, const struct stream *stream); /* 0 or errno */
void stream_free(struct stream *stream);

/* items_*.c */
struct item {
	const char *name;
	void (*prove)(void);
};
extern const struct item state_items[], traffic_items[], stream_items[];

#endif

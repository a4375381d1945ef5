// SPDX-License-Identifier: GPL-2.0-only
/* Sessions, segments, and what is refused. */
#include <stdlib.h>
#include <sys/mman.h>

#include "check.h"

#define ALL ((size_t)-1)

static void whole_stream(const struct device *device, struct stream *stream)
{
	EXPECT(!state_set(device, SAVING));
	stream_save(device, stream, ALL);
	EXPECT(stream->count > 3);
}

static void d13_saving(void)
{
	uint64_t offset;
	uint8_t byte;

	EXPECT(field_get(&first, REG_PENDING) == UNDEFINED);
	EXPECT(!state_set(&first, SAVING));
	EXPECT(field_get(&first, REG_PENDING) > 0 && field_get(&first, REG_PENDING) != UNDEFINED);
	offset = field_get(&first, REG_OFFSET);
	EXPECT(pread(first.fd, &byte, 1, (off_t)(first.region + offset)) == 1);
	EXPECT(!state_set(&first, 0));
	EXPECT(field_get(&first, REG_PENDING) == UNDEFINED);
	EXPECT(pread(first.fd, &byte, 1, (off_t)(first.region + offset)) < 0);
}

static void d14_resuming(void)
{
	struct stream stream = {NULL, 0}, part;
	char saved[64], loaded[64];

	whole_stream(&first, &stream);
	attribute_get(&first, "digest", saved, sizeof(saved));
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(state_set(&second, 0) == EINVAL); /* nothing at all */
	EXPECT(state_get(&second) == RESUMING);
	part = (struct stream){stream.list, stream.count - 1};
	EXPECT(!stream_load(&second, &part));
	EXPECT(state_set(&second, 0) == EINVAL); /* all but the last segment */
	device_reset(&second);
	EXPECT(!state_set(&second, RESUMING));
	stream.list[0].bytes[0] ^= 1;
	EXPECT(stream_load(&second, &stream) == EINVAL); /* not a stream of this kind of device */
	EXPECT(state_set(&second, 0) == EINVAL);
	stream.list[0].bytes[0] ^= 1;
	device_reset(&second);
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(!stream_load(&second, &stream));
	EXPECT(!state_set(&second, 0));
	attribute_get(&second, "digest", loaded, sizeof(loaded));
	EXPECT(*saved && !strcmp(saved, loaded));
	stream_free(&stream);
}

static void d20_pending_again(void)
{
	uint64_t pending;
	int i;

	EXPECT(!state_set(&first, SAVING));
	pending = field_get(&first, REG_PENDING);
	for (i = 0; i < 10; i++)
		EXPECT(field_get(&first, REG_PENDING) == pending);
	d14_resuming();
}

static void d21_commit(void)
{
	uint64_t offset, size;

	EXPECT(!state_set(&first, SAVING));
	EXPECT(field_get(&first, REG_PENDING) > 0);
	offset = field_get(&first, REG_OFFSET);
	size = field_get(&first, REG_SIZE);
	EXPECT(field_get(&first, REG_OFFSET) == offset && field_get(&first, REG_SIZE) == size);
	EXPECT(field_get(&first, REG_PENDING) > 0);
	EXPECT(field_get(&first, REG_OFFSET) != offset); /* it moves */
}

static void d22_pieces(void)
{
	uint64_t offset, size, i;
	uint8_t *whole, byte;

	EXPECT(!state_set(&first, SAVING));
	EXPECT(field_get(&first, REG_PENDING) > 0);
	offset = field_get(&first, REG_OFFSET);
	size = field_get(&first, REG_SIZE);
	whole = malloc(size);
	EXPECT(pread(first.fd, whole, size, (off_t)(first.region + offset)) == (ssize_t)size);
	for (i = size; i-- > 0;)
		EXPECT(pread(first.fd, &byte, 1, (off_t)(first.region + offset + i)) == 1 &&
		       byte == whole[i]);
	free(whole);
}

static void d23_acknowledge(void)
{
	struct stream stream = {NULL, 0};
	uint64_t offset;
	uint8_t byte;

	EXPECT(!state_set(&first, SAVING));
	stream_save(&first, &stream, 1);
	EXPECT(field_get(&first, REG_PENDING) > 0);
	offset = field_get(&first, REG_OFFSET); /* the second segment, which nobody collects */
	EXPECT(field_get(&first, REG_PENDING) > 0);
	EXPECT(pread(first.fd, &byte, 1, (off_t)(first.region + offset)) < 0);
	stream_save(&first, &stream, ALL);
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(stream_load(&second, &stream) == EINVAL); /* the gap shows */
	stream_free(&stream);
}

static void d24_zero_pending(void)
{
	struct stream stream = {NULL, 0};
	int look;

	EXPECT(!state_set(&first, SAVING | RUNNING));
	stream_save(&first, &stream, ALL);
	EXPECT(field_get(&first, REG_PENDING) == 0);
	attribute_set(&first, "dirty_kib_s", "400");
	for (look = 0; look < 500 && !field_get(&first, REG_PENDING); look++)
		sleep_ms(10);
	EXPECT(field_get(&first, REG_PENDING) > 0);
	EXPECT(!state_set(&first, SAVING));
	stream_save(&first, &stream, ALL);
	sleep_ms(60);
	EXPECT(field_get(&first, REG_PENDING) == 0);
	attribute_set(&first, "dirty_kib_s", "0");
	stream_free(&stream);
}

static void d25_leave_precopy(void)
{
	struct stream stream = {NULL, 0};

	EXPECT(!state_set(&first, SAVING | RUNNING));
	stream_save(&first, &stream, 2);
	EXPECT(field_get(&first, REG_PENDING) > 0);
	EXPECT(!state_set(&first, SAVING));
	stream_save(&first, &stream, ALL);
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(!stream_load(&second, &stream));
	EXPECT(!state_set(&second, 0));
	stream_free(&stream);
}

static void d26_size_and_order(void)
{
	struct stream stream = {NULL, 0};
	struct segment kept, part;

	whole_stream(&first, &stream);
	kept = stream.list[1];
	stream.list[1] = stream.list[2];
	stream.list[2] = kept;
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(stream_load(&second, &stream) == EINVAL);
	EXPECT(state_set(&second, 0) == EINVAL);
	stream.list[2] = stream.list[1];
	stream.list[1] = kept;
	device_reset(&second);
	EXPECT(!state_set(&second, RESUMING));
	EXPECT(!segment_load(&second, &stream.list[0]));
	part = (struct segment){stream.list[1].bytes, stream.list[1].size / 2};
	EXPECT(segment_load(&second, &part) == EINVAL);
	EXPECT(state_set(&second, 0) == EINVAL);
	stream_free(&stream);
}

static void d27_mapping(void)
{
	uint64_t offset, size;
	uint8_t *map, *read;

	EXPECT(first.map_size > 0);
	map = mmap(NULL, first.map_size, PROT_READ | PROT_WRITE, MAP_SHARED, first.fd,
		   (off_t)(first.region + first.map_offset));
	EXPECT(map != MAP_FAILED);
	EXPECT(!state_set(&first, SAVING));
	while (map != MAP_FAILED && field_get(&first, REG_PENDING)) {
		offset = field_get(&first, REG_OFFSET);
		size = field_get(&first, REG_SIZE);
		read = malloc(size);
		EXPECT(pread(first.fd, read, size, (off_t)(first.region + offset)) == (ssize_t)size);
		EXPECT(offset >= first.map_offset && offset + size <= first.map_offset + first.map_size);
		EXPECT(!memcmp(read, map + (offset - first.map_offset), size));
		free(read);
	}
	if (map != MAP_FAILED)
		munmap(map, first.map_size);
}

static void d28_faults(void)
{
	static const unsigned int fields[] = {REG_PENDING, REG_OFFSET, REG_SIZE};
	size_t i;

	EXPECT(!state_set(&first, SAVING));
	for (i = 0; i < 3; i++) {
		attribute_set(&first, "fault", "data_errno EIO 1");
		EXPECT(field_get(&first, fields[i]) == UNDEFINED - 1 && errno == EIO);
	}
	EXPECT(field_get(&first, REG_PENDING) > 0);
}

const struct item stream_items[] = {
	{"D-13", d13_saving},	    {"D-14", d14_resuming},	 {"D-20", d20_pending_again},
	{"D-21", d21_commit},	    {"D-22", d22_pieces},	 {"D-23", d23_acknowledge},
	{"D-24", d24_zero_pending}, {"D-25", d25_leave_precopy}, {"D-26", d26_size_and_order},
	{"D-27", d27_mapping},	    {"D-28", d28_faults},	 {NULL, NULL},
};

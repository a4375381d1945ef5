// SPDX-License-Identifier: GPL-2.0-only
/* Saving and loading whole sessions, by read and write. */
#include <stdlib.h>

#include "check.h"

/* Collects at most `most` segments, each in pieces of an odd size. */
void stream_save(const struct device *device, struct stream *stream, size_t most)
{
	while (most-- && field_get(device, REG_PENDING)) {
		struct segment *segment;
		uint64_t offset, done, piece;

		stream->list = realloc(stream->list, (stream->count + 1) * sizeof(*stream->list));
		segment = &stream->list[stream->count++];
		offset = field_get(device, REG_OFFSET);
		segment->size = field_get(device, REG_SIZE);
		EXPECT(offset >= 32 && offset + segment->size <= device->region_size);
		segment->bytes = malloc(segment->size);
		for (done = 0; done < segment->size; done += piece) {
			piece = segment->size - done < 1777 ? segment->size - done : 1777;
			EXPECT(pread(device->fd, segment->bytes + done, piece,
				     (off_t)(device->region + offset + done)) == (ssize_t)piece);
		}
	}
}

int segment_load(const struct device *device, const struct segment *segment)
{
	uint64_t offset = field_get(device, REG_OFFSET);

	if (errno)
		return errno;
	if (pwrite(device->fd, segment->bytes, segment->size, (off_t)(device->region + offset)) < 0)
		return errno;
	if (pwrite(device->fd, &segment->size, sizeof(segment->size), (off_t)(device->region + REG_SIZE)) < 0)
		return errno;
	return 0;
}

int stream_load(const struct device *device, const struct stream *stream)
{
	size_t i;
	int error = 0;

	for (i = 0; i < stream->count && !error; i++)
		error = segment_load(device, &stream->list[i]);
	return error;
}

void stream_free(struct stream *stream)
{
	size_t i;

	for (i = 0; i < stream->count; i++)
		free(stream->list[i].bytes);
	free(stream->list);
	stream->list = NULL;
	stream->count = 0;
}

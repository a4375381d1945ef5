// SPDX-License-Identifier: GPL-2.0-only
/* State memory: contents that do not compress, dirty tracking per page. */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xxhash.h>

#include "transship.h"

/* Joins two numbers into one that looks like neither. */
u64 ts_mix(u64 a, u64 b)
{
	u64 z = a + 0x9e3779b97f4a7c15ULL * (b + 1);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* size is a multiple of 8. */
void ts_fill_random(void *data, size_t size, u64 seed)
{
	u64 *words = data;
	size_t i;

	for (i = 0; i < size / sizeof(u64); i++)
		words[i] = ts_mix(seed, i);
}

int ts_memory_alloc(struct ts_memory *memory, unsigned long pages)
{
	u8 *bytes = vzalloc(pages * PAGE_SIZE);
	unsigned long *dirty = bitmap_zalloc(pages, GFP_KERNEL);

	if (!bytes || !dirty) {
		vfree(bytes);
		bitmap_free(dirty);
		return -ENOMEM;
	}
	mutex_lock(&memory->lock);
	swap(memory->bytes, bytes);
	swap(memory->dirty, dirty);
	memory->pages = pages;
	memory->dirty_count = 0;
	memory->cursor = 0;
	mutex_unlock(&memory->lock);
	vfree(bytes);
	bitmap_free(dirty);
	return 0;
}

void ts_memory_free(struct ts_memory *memory)
{
	vfree(memory->bytes);
	bitmap_free(memory->dirty);
	memory->bytes = NULL;
	memory->dirty = NULL;
	memory->pages = 0;
}

void ts_memory_fill(struct ts_memory *memory, u64 seed)
{
	mutex_lock(&memory->lock);
	ts_fill_random(memory->bytes, memory->pages * PAGE_SIZE, seed);
	bitmap_zero(memory->dirty, memory->pages);
	memory->dirty_count = 0;
	mutex_unlock(&memory->lock);
}

static void ts_memory_touch(struct ts_memory *memory, unsigned long page)
{
	if (!__test_and_set_bit(page, memory->dirty))
		memory->dirty_count++;
}

/* DMA into the memory; the range lies inside and within one page. */
void ts_memory_write(struct ts_memory *memory, size_t offset, const void *data, size_t size)
{
	mutex_lock(&memory->lock);
	memcpy(memory->bytes + offset, data, size);
	ts_memory_touch(memory, offset >> PAGE_SHIFT);
	mutex_unlock(&memory->lock);
}

/* The device's own work. */
void ts_memory_scramble(struct ts_memory *memory, unsigned long page, u64 seed)
{
	mutex_lock(&memory->lock);
	ts_fill_random(memory->bytes + page * PAGE_SIZE, PAGE_SIZE, seed);
	ts_memory_touch(memory, page);
	mutex_unlock(&memory->lock);
}

void ts_memory_mark_all(struct ts_memory *memory)
{
	mutex_lock(&memory->lock);
	bitmap_fill(memory->dirty, memory->pages);
	memory->dirty_count = memory->pages;
	memory->cursor = 0;
	mutex_unlock(&memory->lock);
}

u64 ts_memory_digest(struct ts_memory *memory)
{
	u64 digest;

	mutex_lock(&memory->lock);
	digest = xxh64(memory->bytes, memory->pages * PAGE_SIZE, 0);
	mutex_unlock(&memory->lock);
	return digest;
}

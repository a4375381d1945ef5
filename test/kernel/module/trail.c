// SPDX-License-Identifier: GPL-2.0-only
/* The trail: the last state writes and resets, so that a test can see who did what, and in which
 * order. */
#include <linux/sysfs.h>

#include "transship.h"

void ts_trail_add(struct ts_trail *trail, u32 from, u32 asked, u32 now, int result)
{
	spin_lock(&trail->lock);
	trail->entries[trail->count++ % TS_TRAIL] = (struct ts_trail_entry){
		.time = ktime_get(), .from = from, .asked = asked, .now = now, .result = result};
	spin_unlock(&trail->lock);
}

/* One line each, oldest first: nanoseconds since boot when it ended, from, asked for, where it is,
 * errno. */
ssize_t ts_trail_show(struct ts_trail *trail, char *buf)
{
	ssize_t size = 0;
	u64 i;

	spin_lock(&trail->lock);
	i = trail->count > TS_TRAIL ? trail->count - TS_TRAIL : 0;
	for (; i < trail->count; i++) {
		const struct ts_trail_entry *entry = &trail->entries[i % TS_TRAIL];

		size += sysfs_emit_at(buf, size, "%lld %s %s %s %d\n", ktime_to_ns(entry->time),
				      ts_state_name(entry->from),
				      entry->asked == TS_ANY_STATE ? "Reset" : ts_state_name(entry->asked),
				      ts_state_name(entry->now), -entry->result);
	}
	spin_unlock(&trail->lock);
	return size;
}

void ts_trail_clear(struct ts_trail *trail)
{
	spin_lock(&trail->lock);
	trail->count = 0;
	spin_unlock(&trail->lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Misbehaviour on purpose. One line sets one fault (sysfs file "fault"):
 *
 *   refuse STATE ERRNO [COUNT]       the state write fails, the state stays
 *   error STATE [ERRNO] [COUNT]      the state write fails and the device is in ERROR
 *   wrong STATE SHOWN ERRNO [COUNT]  the state write fails, another state shows until the next one
 *   stall_ms STATE MS [COUNT]        the state write takes that much longer
 *   data_errno ERRNO [COUNT]         accesses to the stream fail
 *   stall_data_ms MS [COUNT]         one access to the stream takes that much longer
 *   size_errno ERRNO [COUNT]         the estimate of the stop-and-copy size fails
 *   log_errno ERRNO [COUNT]          reports of the DMA log fail
 *   truncate N [COUNT]               the stream ends before record N
 *   corrupt N [COUNT]                record N has one byte altered
 *   gullible 0|1                     any stream is taken
 *   ignore_reset [COUNT]             RESET succeeds and does nothing
 *   fail_reset ERRNO [COUNT]         RESET fails
 *   none                             all faults end, stalls included
 */
#include <linux/string.h>
#include <linux/sysfs.h>

#include "transship.h"

#define TS_STALL_LIMIT_MS 100000u /* the kernel complains of tasks that hang for longer */

enum ts_word { TS_END, TS_STATE, TS_SHOWN, TS_ERRNO, TS_MAYBE_ERRNO, TS_VALUE, TS_SWITCH };

static const struct {
	const char *name;
	enum ts_fault_kind kind;
	enum ts_word words[4]; /* those before the count */
	int count; /* uses when none is named */
} ts_kinds[] = {
	{"refuse", TS_FAULT_REFUSE, {TS_STATE, TS_ERRNO}, -1},
	{"error", TS_FAULT_ERROR, {TS_STATE, TS_MAYBE_ERRNO}, 1},
	{"wrong", TS_FAULT_WRONG, {TS_STATE, TS_SHOWN, TS_ERRNO}, 1},
	{"stall_ms", TS_FAULT_STALL, {TS_STATE, TS_VALUE}, 1},
	{"data_errno", TS_FAULT_DATA, {TS_ERRNO}, -1},
	{"stall_data_ms", TS_FAULT_DATA_STALL, {TS_VALUE}, 1},
	{"size_errno", TS_FAULT_SIZE, {TS_ERRNO}, -1},
	{"log_errno", TS_FAULT_LOG, {TS_ERRNO}, -1},
	{"truncate", TS_FAULT_TRUNCATE, {TS_VALUE}, 1},
	{"corrupt", TS_FAULT_CORRUPT, {TS_VALUE}, 1},
	{"gullible", TS_FAULT_GULLIBLE, {TS_SWITCH}, -1},
	{"ignore_reset", TS_FAULT_IGNORE_RESET, {TS_END}, -1},
	{"fail_reset", TS_FAULT_FAIL_RESET, {TS_ERRNO}, -1},
};

static const struct {
	const char *name;
	int number;
} ts_errnos[] = {
	{"EPERM", EPERM},     {"EINTR", EINTR},		{"EIO", EIO},
	{"EAGAIN", EAGAIN},   {"ENOMEM", ENOMEM},	{"EFAULT", EFAULT},
	{"EBUSY", EBUSY},     {"ENODEV", ENODEV},	{"EINVAL", EINVAL},
	{"ENOTTY", ENOTTY},   {"ENOSPC", ENOSPC},	{"ENOMSG", ENOMSG},
	{"ENODATA", ENODATA}, {"ETIMEDOUT", ETIMEDOUT}, {"EOPNOTSUPP", EOPNOTSUPP},
};

static int ts_errno_parse(const char *word, int *number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ts_errnos); i++)
		if (!strcasecmp(ts_errnos[i].name, word)) {
			*number = ts_errnos[i].number;
			return 0;
		}
	return kstrtoint(word, 0, number) || *number <= 0 || *number > 4095 ? -EINVAL : 0;
}

/* Reads one word into the fault. A word that may be missing leaves the text where it is. */
static int ts_word_parse(struct ts_fault *fault, enum ts_word what, char **text)
{
	char *at = *text, *word;

	if (what == TS_MAYBE_ERRNO && !*skip_spaces(at ?: ""))
		return 0;
	do
		word = strsep(&at, " \t");
	while (word && !*word);
	*text = at;
	if (!word)
		return -EINVAL;
	switch (what) {
	case TS_STATE:
		return ts_state_parse(word, &fault->state);
	case TS_SHOWN:
		return ts_state_parse(word, &fault->value);
	case TS_ERRNO:
	case TS_MAYBE_ERRNO:
		return ts_errno_parse(word, &fault->error);
	default:
		return kstrtou32(word, 0, &fault->value);
	}
}

static void ts_fault_clear(struct ts_faults *faults, enum ts_fault_kind kind)
{
	unsigned int i;

	for (i = 0; i < TS_FAULTS; i++)
		if (kind == TS_FAULT_NONE || faults->list[i].kind == kind)
			faults->list[i].kind = TS_FAULT_NONE;
}

static int ts_fault_add(struct ts_faults *faults, const struct ts_fault *fault)
{
	unsigned int i;
	int ret = -ENOSPC;

	spin_lock(&faults->lock);
	if (fault->kind == TS_FAULT_GULLIBLE) {
		ts_fault_clear(faults, TS_FAULT_GULLIBLE);
		ret = fault->value ? ret : 0;
	}
	for (i = 0; i < TS_FAULTS && ret; i++)
		if (faults->list[i].kind == TS_FAULT_NONE) {
			faults->list[i] = *fault;
			ret = 0;
		}
	spin_unlock(&faults->lock);
	return ret;
}

static int ts_fault_parse_kind(struct ts_faults *faults, unsigned int kind, char *text)
{
	struct ts_fault fault = {.kind = ts_kinds[kind].kind,
				 .state = TS_ANY_STATE,
				 .error = EIO,
				 .left = ts_kinds[kind].count};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(ts_kinds[0].words) && ts_kinds[kind].words[i] && !ret; i++)
		ret = ts_word_parse(&fault, ts_kinds[kind].words[i], &text);
	if (ret)
		return ret;
	text = text ? skip_spaces(text) : NULL;
	if (text && *text && (kstrtoint(text, 0, &fault.left) || fault.left <= 0))
		return -EINVAL;
	if ((fault.kind == TS_FAULT_STALL || fault.kind == TS_FAULT_DATA_STALL) &&
	    fault.value > TS_STALL_LIMIT_MS)
		return -EINVAL;
	return ts_fault_add(faults, &fault);
}

/* Takes one line; EINVAL when it makes no sense, ENOSPC when too many faults are set. */
int ts_fault_parse(struct ts_faults *faults, char *text)
{
	char *name;
	unsigned int i;

	text = strim(text);
	name = strsep(&text, " \t");
	if (!strcmp(name, "none")) {
		spin_lock(&faults->lock);
		ts_fault_clear(faults, TS_FAULT_NONE);
		WRITE_ONCE(faults->version, faults->version + 1);
		spin_unlock(&faults->lock);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(ts_kinds); i++)
		if (!strcmp(name, ts_kinds[i].name))
			return ts_fault_parse_kind(faults, i, text);
	return -EINVAL;
}

static bool ts_fault_use(struct ts_faults *faults, enum ts_fault_kind kind, u32 state, const u32 *record,
			 struct ts_fault *found)
{
	unsigned int i;
	bool hit = false;

	spin_lock(&faults->lock);
	for (i = 0; i < TS_FAULTS && !hit; i++) {
		struct ts_fault *fault = &faults->list[i];

		if (fault->kind != kind || (record && fault->value != *record) ||
		    (fault->state != TS_ANY_STATE && fault->state != state))
			continue;
		hit = true;
		if (found)
			*found = *fault;
		if (fault->left > 0 && !--fault->left)
			fault->kind = TS_FAULT_NONE;
	}
	spin_unlock(&faults->lock);
	return hit;
}

/* Takes one use of a fault of this kind that is about `state`. */
bool ts_fault_take(struct ts_faults *faults, enum ts_fault_kind kind, u32 state, struct ts_fault *found)
{
	return ts_fault_use(faults, kind, state, NULL, found);
}

/* The same for a fault about one record of the stream. */
bool ts_fault_take_record(struct ts_faults *faults, enum ts_fault_kind kind, u32 record)
{
	return ts_fault_use(faults, kind, TS_ANY_STATE, &record, NULL);
}

bool ts_fault_has(struct ts_faults *faults, enum ts_fault_kind kind)
{
	unsigned int i;
	bool has = false;

	spin_lock(&faults->lock);
	for (i = 0; i < TS_FAULTS; i++)
		has = has || faults->list[i].kind == kind;
	spin_unlock(&faults->lock);
	return has;
}

ssize_t ts_fault_show(struct ts_faults *faults, char *buf)
{
	unsigned int i, j;
	ssize_t size = 0;

	spin_lock(&faults->lock);
	for (i = 0; i < TS_FAULTS; i++)
		for (j = 0; j < ARRAY_SIZE(ts_kinds); j++)
			if (faults->list[i].kind == ts_kinds[j].kind)
				size += sysfs_emit_at(buf, size, "%s state=%s value=%u errno=%d left=%d\n",
						      ts_kinds[j].name,
						      faults->list[i].state == TS_ANY_STATE
							      ? "any"
							      : ts_state_name(faults->list[i].state),
						      faults->list[i].value, faults->list[i].error,
						      faults->list[i].left);
	spin_unlock(&faults->lock);
	return size;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine under both protocols. A v2 state is kept as the v1 nibble of the same meaning,
 * so that one walk serves both; what differs is how far NDMA reaches: in v1 it ends all DMA and
 * interrupts, in v2 only peer-to-peer DMA.
 */
#include <linux/string.h>

#include "transship.h"

static const struct {
	u32 nibble;
	const char *name;
} ts_states[] = {
	{0, "Stop"},
	{TS_RUNNING, "Running"},
	{TS_SAVING, "StopCopy"},
	{TS_SAVING | TS_RUNNING, "PreCopy"},
	{TS_RESUMING, "Resuming"},
	{TS_ERROR, "Error"},
	{TS_NDMA | TS_RUNNING, "RunningP2P"},
	{TS_NDMA | TS_SAVING | TS_RUNNING, "PreCopyP2P"},
	{TS_NDMA, "Stop+NDMA"},
	{TS_NDMA | TS_SAVING, "StopCopy+NDMA"},
	{TS_NDMA | TS_RESUMING, "Resuming+NDMA"},
};

const char *ts_state_name(u32 nibble)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ts_states); i++)
		if (ts_states[i].nibble == nibble)
			return ts_states[i].name;
	return "Invalid";
}

/* A name, or the nibble as a number. */
int ts_state_parse(const char *name, u32 *nibble)
{
	unsigned int i;

	if (!strcasecmp(name, "any")) {
		*nibble = TS_ANY_STATE;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(ts_states); i++)
		if (!strcasecmp(ts_states[i].name, name)) {
			*nibble = ts_states[i].nibble;
			return 0;
		}
	return kstrtou32(name, 0, nibble) || *nibble > TS_MASK ? -EINVAL : 0;
}

/* Whether a v1 user may write it: RESUMING excludes SAVING and RUNNING, and NDMA has to be offered.
 */
bool ts_state_valid(const struct ts_device *dev, u32 nibble)
{
	if ((nibble & TS_NDMA) && !dev->options.ndma)
		return false;
	return !(nibble & TS_RESUMING) || !(nibble & (TS_SAVING | TS_RUNNING));
}

void ts_end_sessions(struct ts_device *dev)
{
	ts_v2_file_detach(dev);
	dev->save.active = false;
	ts_load_end(dev);
	dev->placed = false;
}

/* Never less than asked for, so by the clock and not by ticks, which a virtual machine loses. */
static void ts_sleep(struct ts_device *dev, unsigned int ms)
{
	unsigned int version = READ_ONCE(dev->faults.version);

	if (ms)
		wait_event_hrtimeout(dev->wait,
				     READ_ONCE(dev->faults.version) != version || READ_ONCE(dev->gone),
				     ms_to_ktime(ms));
}

/* What an access to the stream meets: a delay, which a fatal signal ends as it ends a driver's wait for
 * data, then an error. */
int ts_data_fault(struct ts_device *dev)
{
	unsigned int version = READ_ONCE(dev->faults.version);
	struct ts_fault fault;

	if (ts_fault_take(&dev->faults, TS_FAULT_DATA_STALL, TS_ANY_STATE, &fault) &&
	    wait_event_killable_timeout(dev->wait,
					READ_ONCE(dev->faults.version) != version || READ_ONCE(dev->gone),
					msecs_to_jiffies(fault.value)) < 0)
		return -EINTR;
	if (READ_ONCE(dev->gone))
		return -ENODEV;
	return ts_fault_take(&dev->faults, TS_FAULT_DATA, TS_ANY_STATE, &fault) ? -fault.error : 0;
}

/* Whether the engine may write to the user's memory in this state. */
static bool ts_dma_in(const struct ts_device *dev, u32 nibble)
{
	if (nibble == TS_ERROR || !(nibble & TS_RUNNING))
		return false;
	return dev->options.protocol == 2 || !(nibble & TS_NDMA);
}

/* Brings DMA and interrupts in line with a state. */
void ts_apply_dma(struct ts_device *dev, u32 nibble)
{
	bool allowed = dev->opened && ts_dma_in(dev, nibble);

	ts_dma_allow(dev, allowed);
	ts_irqs_allow(dev, allowed);
}

static void ts_stop(struct ts_device *dev)
{
	ts_port_set_running(dev, false);
	ts_regs_live(dev, false);
	ts_apply_dma(dev, 0);
}

static void ts_start(struct ts_device *dev)
{
	ts_regs_live(dev, true);
	ts_port_set_running(dev, true);
	dev->save.final_told = false; /* what it told of itself in this session is out of date */
	dev->save.told_stopped = 0;
}

/*
 * NDMA is set first and cleared last, so that whatever lies between happens without DMA; in between
 * RUNNING, RESUMING and SAVING are cleared, then RESUMING, SAVING and RUNNING are set. Only leaving
 * or entering RESUMING can fail, so that comes before all that cannot be taken back.
 */
static int ts_walk(struct ts_device *dev, u32 target)
{
	u32 old = dev->state, sets = target & ~old, clears = old & ~target;
	int ret = 0;

	if (sets & TS_NDMA) {
		ts_port_set_ndma(dev, true);
		if (old & TS_RUNNING) {
			ts_sleep(dev, dev->options.quiesce_ms);
			ts_apply_dma(dev, old | TS_NDMA);
		}
	}
	if (clears & TS_RUNNING) {
		if (!(old & TS_NDMA) && !(sets & TS_NDMA))
			ts_sleep(dev, dev->options.quiesce_ms);
		ts_stop(dev);
	}
	if (clears & TS_RESUMING)
		ret = ts_load_finish(dev);
	else if (sets & TS_RESUMING)
		ret = ts_load_begin(dev);
	if (ret) {
		if (clears & TS_RUNNING)
			ts_start(dev);
		ts_port_set_ndma(dev, old & TS_NDMA);
		ts_apply_dma(dev, old);
		return ret;
	}
	if (clears & TS_SAVING) {
		dev->save.active = false;
		dev->placed = false;
	}
	if (sets & TS_SAVING)
		ts_save_begin(dev);
	if (sets & TS_RUNNING)
		ts_start(dev);
	if (clears & TS_NDMA)
		ts_port_set_ndma(dev, false);
	ts_apply_dma(dev, target);
	WRITE_ONCE(dev->state, target);
	if (!(target & (TS_RUNNING | TS_RESUMING)))
		ts_keep_digest(dev);
	return 0;
}

/* Fully stopped, as the specification wants it; only RESET leads out. */
void ts_enter_error(struct ts_device *dev)
{
	if (dev->state & TS_RUNNING)
		ts_stop(dev);
	ts_end_sessions(dev);
	WRITE_ONCE(dev->state, TS_ERROR);
}

/*
 * One state write, faults included. Returns 0 or a negative errno; dev->state then says where the
 * device is: where it was, or in the error state.
 */
int ts_change_state(struct ts_device *dev, u32 target)
{
	u32 from = dev->state;
	struct ts_fault fault;
	int ret;

	lockdep_assert_held(&dev->state_lock);
	if (ts_fault_take(&dev->faults, TS_FAULT_STALL, target, &fault))
		ts_sleep(dev, fault.value);
	dev->pretending = false;
	if (READ_ONCE(dev->gone)) {
		ret = -ENODEV;
	} else if (from == TS_ERROR) {
		ret = -EIO;
	} else if (ts_fault_take(&dev->faults, TS_FAULT_REFUSE, target, &fault)) {
		ret = -fault.error;
	} else if (ts_fault_take(&dev->faults, TS_FAULT_ERROR, target, &fault)) {
		ts_enter_error(dev);
		ret = -fault.error;
	} else if (ts_fault_take(&dev->faults, TS_FAULT_WRONG, target, &fault)) {
		dev->pretending = true;
		dev->pretended = fault.value;
		ret = -fault.error;
	} else {
		ret = ts_walk(dev, target);
	}
	ts_trail_add(&dev->trail, from, target, dev->state, ret);
	wake_up_all(&dev->wait);
	return ret;
}

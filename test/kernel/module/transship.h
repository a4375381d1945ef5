/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the module offer each other. */
#ifndef TRANSSHIP_H
#define TRANSSHIP_H

#include "device.h"

static inline struct ts_device *ts_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct ts_device, vdev);
}

static inline size_t ts_segment_size(const struct ts_device *dev)
{
	return (size_t)dev->options.segment_kib << 10;
}

/* main.c */
extern struct ts_options ts_defaults;
extern struct workqueue_struct *ts_workqueue;

/* vfio_ops.c */
extern const struct vfio_device_ops ts_device_ops;

/* regions.c */
long ts_region_info(struct ts_device *dev, unsigned long arg);
int ts_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);

/* irqs.c */
long ts_irq_info(unsigned long arg);
long ts_set_irqs(struct ts_device *dev, unsigned long arg);
void ts_irq_raise(struct ts_device *dev, unsigned int vector); /* reg_lock held */
void ts_irqs_allow(struct ts_device *dev, bool allowed);
void ts_irqs_close(struct ts_device *dev);
void ts_irqs_request(struct ts_device *dev);

/* config_space.c */
void ts_config_init(struct ts_device *dev);
int ts_config_read(struct ts_device *dev, u8 *data, size_t count, u64 offset);
int ts_config_write(struct ts_device *dev, const u8 *data, size_t count, u64 offset);

/* bar0.c */
int ts_bar_read(struct ts_device *dev, unsigned int bar, u8 *data, size_t count, u64 offset);
int ts_bar_write(struct ts_device *dev, unsigned int bar, const u8 *data, size_t count, u64 offset);
void ts_regs_live(struct ts_device *dev, bool live);
void ts_uart_reset(struct ts_uart *uart);

/* memory.c */
int ts_memory_alloc(struct ts_memory *memory, unsigned long pages);
void ts_memory_free(struct ts_memory *memory);
void ts_memory_fill(struct ts_memory *memory, u64 seed);
void ts_memory_write(struct ts_memory *memory, size_t offset, const void *data, size_t size);
void ts_memory_scramble(struct ts_memory *memory, unsigned long page, u64 seed);
void ts_memory_mark_all(struct ts_memory *memory);
u64 ts_memory_digest(struct ts_memory *memory);
u64 ts_mix(u64 a, u64 b);
void ts_fill_random(void *data, size_t size, u64 seed);

/* fabric.c */
extern struct mutex ts_fabric_lock;
int ts_fabric_start(void);
void ts_fabric_stop(void);
void ts_fabric_kick(void);
void ts_fabric_add(struct ts_device *dev);
void ts_fabric_remove(struct ts_device *dev);
struct ts_device *ts_fabric_find(const guid_t *id); /* lock held; an open device, a running one first */

/* fabric_port.c */
void ts_port_open(struct ts_device *dev, bool open);
void ts_port_set_ndma(struct ts_device *dev, bool ndma);
void ts_port_set_running(struct ts_device *dev, bool running);
void ts_port_set_bus_master(struct ts_device *dev, bool on);
void ts_port_set_id(struct ts_device *dev, const guid_t *id);
void ts_port_clear(struct ts_device *dev);
void ts_port_save(struct ts_device *dev, struct ts_final *final);
void ts_port_load(struct ts_device *dev, const struct ts_final *final);
int ts_port_set_peers(struct ts_device *dev, const guid_t *peers, unsigned int count);

/* dma.c */
#define TS_DMA_REGISTERS 48u /* bytes of the register block in BAR 0 */
void ts_dma_work(struct work_struct *work);
void ts_dma_allow(struct ts_device *dev, bool allowed);
void ts_dma_set(struct ts_device *dev, const struct ts_dma_record *record);
void ts_dma_get(struct ts_device *dev, struct ts_dma_record *record);
void ts_dma_registers(struct ts_device *dev, u8 *data, size_t count, u64 offset, bool write);
void ts_dma_set_bus_master(struct ts_device *dev, bool on);

/* dma_log.c */
extern const struct vfio_log_ops ts_log_ops;
void ts_log_dirty(struct ts_device *dev, u64 iova, u64 length);
void ts_log_end(struct ts_device *dev);

/* migration.c */
bool ts_state_valid(const struct ts_device *dev, u32 nibble);
int ts_change_state(struct ts_device *dev, u32 target); /* state_lock held; negative errno */
int ts_data_fault(struct ts_device *dev);
void ts_apply_dma(struct ts_device *dev, u32 nibble);
void ts_enter_error(struct ts_device *dev);
void ts_end_sessions(struct ts_device *dev);
const char *ts_state_name(u32 nibble);
int ts_state_parse(const char *name, u32 *nibble);

/* reset.c */
void ts_reset_now(struct ts_device *dev); /* state_lock held */
int ts_reset(struct ts_device *dev);
void ts_final_state(struct ts_device *dev, struct ts_final *final);
int ts_digest(struct ts_device *dev, struct ts_digest *digest);
void ts_keep_digest(struct ts_device *dev);

/* v1_region.c */
ssize_t ts_v1_read(struct ts_device *dev, char __user *buf, size_t count, u64 offset);
ssize_t ts_v1_write(struct ts_device *dev, const char __user *buf, size_t count, u64 offset);

/* v2_ops.c */
extern const struct vfio_migration_ops ts_migration_ops;
int ts_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg, size_t argsz);

/* v2_data.c */
struct file *ts_v2_file_open(struct ts_device *dev, bool saving);
void ts_v2_file_attach(struct ts_device *dev, struct file *filp);
void ts_v2_file_detach(struct ts_device *dev);

/* stream_save.c: all with state_lock held */
void ts_save_begin(struct ts_device *dev);
u64 ts_save_pending(struct ts_device *dev);
void ts_save_estimate(struct ts_device *dev, u64 *initial, u64 *dirty);
u64 ts_save_total(struct ts_device *dev);
size_t ts_save_next(struct ts_device *dev, u8 *to);

/* stream_load.c: all with state_lock held */
int ts_load_begin(struct ts_device *dev);
int ts_load_take(struct ts_device *dev, const u8 *from, size_t size);
int ts_load_finish(struct ts_device *dev);
void ts_load_end(struct ts_device *dev);

/* faults.c */
int ts_fault_parse(struct ts_faults *faults, char *text);
bool ts_fault_take(struct ts_faults *faults, enum ts_fault_kind kind, u32 state, struct ts_fault *found);
bool ts_fault_take_record(struct ts_faults *faults, enum ts_fault_kind kind, u32 record);
bool ts_fault_has(struct ts_faults *faults, enum ts_fault_kind kind);
ssize_t ts_fault_show(struct ts_faults *faults, char *buf);

/* trail.c */
void ts_trail_add(struct ts_trail *trail, u32 from, u32 asked, u32 now, int result);
ssize_t ts_trail_show(struct ts_trail *trail, char *buf);
void ts_trail_clear(struct ts_trail *trail);

/* sysfs*.c */
extern const struct attribute_group *ts_groups[];
extern struct attribute *ts_option_attrs[];
extern struct attribute *ts_traffic_attrs[];
int ts_apply_options(struct ts_device *dev);
void ts_sysfs_init(void);

#endif

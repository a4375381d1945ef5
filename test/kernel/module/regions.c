// SPDX-License-Identifier: GPL-2.0-only
/* Regions: what there is, capabilities, mapping of the data section. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "transship.h"

#define TS_CAP_NDMA 6 /* VFIO_REGION_INFO_CAP_MIG_NDMA of the specification */
#define TS_DECOY_TYPE                                                                                        \
	0x7474u /* some vendor's own region, for users who count instead of looking  \
			       */

static size_t ts_region_size(const struct ts_device *dev, u32 index)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX:
	case VFIO_PCI_BAR1_REGION_INDEX:
	case TS_DECOY_REGION:
		return TS_BAR_SIZE;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return TS_CONFIG_SIZE;
	case TS_MIGRATION_REGION:
		return TS_DATA_START + dev->window_size;
	default:
		return 0;
	}
}

/* First byte of the data section that may be mapped. */
static size_t ts_mmap_start(const struct ts_device *dev)
{
	return dev->options.mmap == TS_MMAP_MIXED ? dev->window_size / 2 : 0;
}

static int ts_add_type(struct vfio_info_cap *caps, u32 type, u32 subtype)
{
	struct vfio_region_info_cap_type cap = {
		.header.id = VFIO_REGION_INFO_CAP_TYPE,
		.header.version = 1,
		.type = type,
		.subtype = subtype,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int ts_add_sparse(struct vfio_info_cap *caps, const struct ts_device *dev)
{
	struct vfio_region_info_cap_sparse_mmap *cap;
	size_t size = struct_size(cap, areas, 1);
	int ret;

	cap = kzalloc(size, GFP_KERNEL);
	if (!cap)
		return -ENOMEM;
	cap->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap->header.version = 1;
	cap->nr_areas = 1;
	cap->areas[0].offset = TS_DATA_START + ts_mmap_start(dev);
	cap->areas[0].size = dev->window_size - ts_mmap_start(dev);
	ret = vfio_info_add_capability(caps, &cap->header, size);
	kfree(cap);
	return ret;
}

static int ts_migration_caps(const struct ts_device *dev, struct vfio_region_info *info,
			     struct vfio_info_cap *caps)
{
	struct vfio_info_cap_header ndma = {.id = TS_CAP_NDMA, .version = 1};
	int ret = ts_add_type(caps, VFIO_REGION_TYPE_MIGRATION_DEPRECATED,
			      VFIO_REGION_SUBTYPE_MIGRATION_DEPRECATED);

	if (!ret && dev->options.ndma)
		ret = vfio_info_add_capability(caps, &ndma, sizeof(ndma));
	if (!ret && dev->options.mmap != TS_MMAP_NONE) {
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		ret = ts_add_sparse(caps, dev);
	}
	return ret;
}

/* Hands the capabilities out behind the reply, or says how much room they need. */
static int ts_put_caps(struct vfio_region_info *info, struct vfio_info_cap *caps, unsigned long arg)
{
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		info->cap_offset = 0;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	if (copy_to_user((void __user *)arg + sizeof(*info), caps->buf, caps->size))
		return -EFAULT;
	info->cap_offset = sizeof(*info);
	return 0;
}

long ts_region_info(struct ts_device *dev, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	int ret = 0;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index > TS_MIGRATION_REGION ||
	    (info.index >= TS_DECOY_REGION && dev->options.protocol != 1))
		return -EINVAL;
	info.offset = (u64)info.index << TS_OFFSET_SHIFT;
	info.size = ts_region_size(dev, info.index);
	info.cap_offset = 0;
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	if (info.index == TS_DECOY_REGION)
		ret = ts_add_type(&caps, TS_DECOY_TYPE, 1);
	else if (info.index == TS_MIGRATION_REGION)
		ret = ts_migration_caps(dev, &info, &caps);
	if (!ret && caps.size)
		ret = ts_put_caps(&info, &caps, arg);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

/* Runs with the address space locked, so it takes no lock of the device: the window does not change
 * while somebody has the device open. */
int ts_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	unsigned int shift = TS_OFFSET_SHIFT - PAGE_SHIFT;
	u64 index = vma->vm_pgoff >> shift;
	u64 offset = (vma->vm_pgoff & (BIT_ULL(shift) - 1)) << PAGE_SHIFT;
	u64 size = vma->vm_end - vma->vm_start;
	u64 start = TS_DATA_START + ts_mmap_start(dev);

	if (index != TS_MIGRATION_REGION || dev->options.protocol != 1 || dev->options.mmap == TS_MMAP_NONE ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (offset < start || offset + size > TS_DATA_START + dev->window_size)
		return -EINVAL;
	return remap_vmalloc_range(vma, dev->window, (offset - TS_DATA_START) >> PAGE_SHIFT);
}

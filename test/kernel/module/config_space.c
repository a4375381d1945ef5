// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration space. It answers in every migration state and is no part of the stream: its
 * user carries it from device to device (command register, BAR addresses, MSI-X control).
 */
#include <linux/pci_regs.h>
#include <linux/unaligned.h>

#include "transship.h"

#define TS_VENDOR 0x1234
#define TS_CLASS 0x120000 /* processing accelerator */
#define TS_MSIX_CAP 0x40

void ts_config_init(struct ts_device *dev)
{
	u8 *config = dev->config;

	memset(config, 0, TS_CONFIG_SIZE);
	put_unaligned_le16(TS_VENDOR, config + PCI_VENDOR_ID);
	put_unaligned_le16(dev->options.device_id, config + PCI_DEVICE_ID);
	put_unaligned_le16(PCI_STATUS_CAP_LIST, config + PCI_STATUS);
	put_unaligned_le32(TS_CLASS << 8 | (dev->options.revision & 0xff), config + PCI_CLASS_REVISION);
	put_unaligned_le16(TS_VENDOR, config + PCI_SUBSYSTEM_VENDOR_ID);
	put_unaligned_le16(dev->options.device_id, config + PCI_SUBSYSTEM_ID);
	config[PCI_CAPABILITY_LIST] = TS_MSIX_CAP;
	config[TS_MSIX_CAP] = PCI_CAP_ID_MSIX;
	put_unaligned_le16(TS_VECTORS - 1, config + TS_MSIX_CAP + PCI_MSIX_FLAGS);
	put_unaligned_le32(1, config + TS_MSIX_CAP + PCI_MSIX_TABLE); /* BAR 1, offset 0 */
	put_unaligned_le32(1 | 0x800, config + TS_MSIX_CAP + PCI_MSIX_PBA);
}

/* Which bits of the byte at `offset` a write changes. */
static u8 ts_config_mask(u64 offset)
{
	switch (offset) {
	case PCI_COMMAND:
		return PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	case PCI_COMMAND + 1:
		return PCI_COMMAND_INTX_DISABLE >> 8;
	case PCI_CACHE_LINE_SIZE:
	case PCI_INTERRUPT_LINE:
		return 0xff;
	case PCI_BASE_ADDRESS_0 + 1: /* two memory BARs of 4 KiB */
	case PCI_BASE_ADDRESS_1 + 1:
		return 0xf0;
	case PCI_BASE_ADDRESS_0 + 2:
	case PCI_BASE_ADDRESS_0 + 3:
	case PCI_BASE_ADDRESS_1 + 2:
	case PCI_BASE_ADDRESS_1 + 3:
		return 0xff;
	case TS_MSIX_CAP + PCI_MSIX_FLAGS + 1:
		return (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	default:
		return 0;
	}
}

int ts_config_read(struct ts_device *dev, u8 *data, size_t count, u64 offset)
{
	if (offset >= TS_CONFIG_SIZE || count > TS_CONFIG_SIZE - offset)
		return -EINVAL;
	mutex_lock(&dev->reg_lock);
	memcpy(data, dev->config + offset, count);
	mutex_unlock(&dev->reg_lock);
	return 0;
}

int ts_config_write(struct ts_device *dev, const u8 *data, size_t count, u64 offset)
{
	bool master;
	size_t i;

	if (offset >= TS_CONFIG_SIZE || count > TS_CONFIG_SIZE - offset)
		return -EINVAL;
	mutex_lock(&dev->reg_lock);
	for (i = 0; i < count; i++) {
		u8 mask = ts_config_mask(offset + i);

		dev->config[offset + i] = (dev->config[offset + i] & ~mask) | (data[i] & mask);
	}
	master = dev->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
	mutex_unlock(&dev->reg_lock);
	if (offset <= PCI_COMMAND && offset + count > PCI_COMMAND) {
		ts_port_set_bus_master(dev, master);
		ts_dma_set_bus_master(dev, master);
	}
	return 0;
}

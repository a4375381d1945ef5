// SPDX-License-Identifier: GPL-2.0-only
/* The module: its parent device, its mdev type, its parameters, and creation and removal of
 * devices. */
#include <linux/module.h>

#include "transship.h"

struct ts_options ts_defaults = {
	.protocol = 2,
	.state_kib = 1024,
	.segment_kib = 128,
	.mmap = TS_MMAP_FULL,
	.ndma = 1,
	.p2p = 1,
	.precopy = 1,
	.dma_logging = 1,
	.precopy_info_v2 = 0,
	.device_id = 0x7474,
	.revision = 1,
	.quiesce_ms = 0,
	.link_us = 2000,
	.traffic_us = 2000,
	.dirty_kib_s = 0,
	.bus_master = 0,
	.chunk = 0,
	.enomsg = 1,
	.keep = 0,
	.surprise = 1,
	.log_page_kib = 4,
};

#define TS_PARAM(name, what)                                                                                 \
	module_param_named(name, ts_defaults.name, uint, 0644);                                              \
	MODULE_PARM_DESC(name, what " (default of new devices)")

TS_PARAM(protocol, "migration protocol, 1 or 2");
TS_PARAM(state_kib, "state memory in KiB");
TS_PARAM(segment_kib, "largest record of the stream in KiB; half of the v1 data section");
TS_PARAM(mmap, "v1: 0 = no mapping, 1 = whole data section, 2 = its second half");
TS_PARAM(ndma, "v1: NDMA offered");
TS_PARAM(p2p, "v2: P2P states offered");
TS_PARAM(precopy, "v2: pre-copy offered");
TS_PARAM(dma_logging, "DMA logging offered");
TS_PARAM(precopy_info_v2, "v2: REINIT of the pre-copy information offered");
TS_PARAM(device_id, "PCI device id");
TS_PARAM(revision, "PCI revision");
TS_PARAM(quiesce_ms, "how much longer a quiesce takes");
TS_PARAM(link_us, "time under way of a peer-to-peer transaction");
TS_PARAM(traffic_us, "time between two transactions of a link");
TS_PARAM(dirty_kib_s, "own memory that a running device rewrites per second");
TS_PARAM(bus_master, "1 = no DMA while the PCI command register has bus mastering off");
TS_PARAM(chunk, "v2: most bytes per read or write of the data descriptor, 0 = no limit");
TS_PARAM(enomsg, "v2: the temporary end of a pre-copy is ENOMSG (1) or 0 (0)");
TS_PARAM(keep, "1 = the last close keeps the device's state");
TS_PARAM(surprise, "1 = a device that is being removed answers ENODEV at once");
TS_PARAM(log_page_kib, "page size of the DMA log in KiB");

struct workqueue_struct *ts_workqueue;

static struct class *ts_class;
static struct device *ts_parent_device;
static struct mdev_parent ts_parent;

static struct mdev_type ts_type = {
	.sysfs_name = "1",
	.pretty_name = "Migratable device of the Transship tests",
};
static struct mdev_type *ts_types[] = {&ts_type};

static int ts_probe(struct mdev_device *mdev)
{
	struct ts_device *dev;
	int ret;

	dev = vfio_alloc_device(ts_device, vdev, &mdev->dev, &ts_device_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev_set_drvdata(&mdev->dev, dev);
	ret = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (ret) {
		vfio_put_device(&dev->vdev);
		return ret;
	}
	ts_fabric_add(dev);
	return 0;
}

/* Waits for the device's users. They are asked to let go through the request interrupt; a surprise
 * removal also answers everything with ENODEV from here on. */
static void ts_remove(struct mdev_device *mdev)
{
	struct ts_device *dev = dev_get_drvdata(&mdev->dev);

	if (dev->options.surprise) {
		WRITE_ONCE(dev->gone, true);
		wake_up_all(&dev->wait);
	}
	vfio_unregister_group_dev(&dev->vdev);
	ts_fabric_remove(dev);
	vfio_put_device(&dev->vdev);
}

static struct mdev_driver ts_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = 64,
	.driver =
		{
			.name = "transship_mdev",
			.owner = THIS_MODULE,
			.mod_name = KBUILD_MODNAME,
			.dev_groups = ts_groups,
		},
	.probe = ts_probe,
	.remove = ts_remove,
};

static int __init ts_init(void)
{
	int ret;

	ts_sysfs_init();
	ts_workqueue = alloc_workqueue("transship_mdev", WQ_UNBOUND, 0);
	if (!ts_workqueue)
		return -ENOMEM;
	ret = ts_fabric_start();
	if (ret)
		goto err_workqueue;
	ret = mdev_register_driver(&ts_driver);
	if (ret)
		goto err_fabric;
	ts_class = class_create("transship_mdev");
	if (IS_ERR(ts_class)) {
		ret = PTR_ERR(ts_class);
		goto err_driver;
	}
	ts_parent_device = device_create(ts_class, NULL, 0, NULL, "transship_mdev");
	if (IS_ERR(ts_parent_device)) {
		ret = PTR_ERR(ts_parent_device);
		goto err_class;
	}
	ret = mdev_register_parent(&ts_parent, ts_parent_device, &ts_driver, ts_types, ARRAY_SIZE(ts_types));
	if (ret)
		goto err_device;
	return 0;

err_device:
	device_unregister(ts_parent_device);
err_class:
	class_destroy(ts_class);
err_driver:
	mdev_unregister_driver(&ts_driver);
err_fabric:
	ts_fabric_stop();
err_workqueue:
	destroy_workqueue(ts_workqueue);
	return ret;
}

static void __exit ts_exit(void)
{
	mdev_unregister_parent(&ts_parent);
	device_unregister(ts_parent_device);
	class_destroy(ts_class);
	mdev_unregister_driver(&ts_driver);
	ts_fabric_stop();
	destroy_workqueue(ts_workqueue);
}

module_init(ts_init);
module_exit(ts_exit);

MODULE_DESCRIPTION("Migratable mediated device for the Transship tests");
MODULE_LICENSE("GPL");

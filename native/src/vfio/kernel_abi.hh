// Requests and structures of the kernel's VFIO and iommufd interfaces that abi.hh does not have, as in
// include/uapi/linux/vfio.h and iommufd.h. Declared here since headers of systems that this is built on are
// older than cdev, iommufd and VFIO_MIG_GET_PRECOPY_INFO.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

namespace transship::vfio {

namespace request {

inline constexpr unsigned kVfioType = ';';
inline constexpr unsigned kVfioBase = 100;

// On a container (/dev/vfio/vfio).
inline constexpr unsigned long kGetApiVersion = _IO(kVfioType, kVfioBase + 0);
inline constexpr unsigned long kSetIommu = _IO(kVfioType, kVfioBase + 2);
inline constexpr unsigned long kIommuUnmapDma = _IO(kVfioType, kVfioBase + 14);
// On a group (/dev/vfio/N).
inline constexpr unsigned long kGroupGetStatus = _IO(kVfioType, kVfioBase + 3);
inline constexpr unsigned long kGroupSetContainer = _IO(kVfioType, kVfioBase + 4);
inline constexpr unsigned long kGroupGetDeviceFd = _IO(kVfioType, kVfioBase + 6);
// On a device.
inline constexpr unsigned long kDeviceGetInfo = _IO(kVfioType, kVfioBase + 7);
inline constexpr unsigned long kDeviceGetRegionInfo = _IO(kVfioType, kVfioBase + 8);
inline constexpr unsigned long kDeviceGetIrqInfo = _IO(kVfioType, kVfioBase + 9);
inline constexpr unsigned long kDeviceSetIrqs = _IO(kVfioType, kVfioBase + 10);
inline constexpr unsigned long kDeviceReset = _IO(kVfioType, kVfioBase + 11);
inline constexpr unsigned long kDeviceGetPciHotResetInfo = _IO(kVfioType, kVfioBase + 12);
inline constexpr unsigned long kDevicePciHotReset = _IO(kVfioType, kVfioBase + 13);
inline constexpr unsigned long kDeviceFeature = _IO(kVfioType, kVfioBase + 17);
inline constexpr unsigned long kDeviceBindIommufd = _IO(kVfioType, kVfioBase + 18);
inline constexpr unsigned long kDeviceAttachIommufdPt = _IO(kVfioType, kVfioBase + 19);
// On a migration's data descriptor.
inline constexpr unsigned long kMigGetPrecopyInfo = _IO(kVfioType, kVfioBase + 21);
// On an iommufd (/dev/iommu).
inline constexpr unsigned long kIoasAlloc = _IO(kVfioType, 0x81);
inline constexpr unsigned long kIoasUnmap = _IO(kVfioType, 0x86);

}  // namespace request

inline constexpr int kVfioApiVersion = 0;
// VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU
inline constexpr int kType1Iommu = 1;
inline constexpr int kType1v2Iommu = 3;

struct GroupStatus {
  std::uint32_t argsz;
  std::uint32_t flags;
};
static_assert(sizeof(GroupStatus) == 8);
// struct vfio_group_status.flags
inline constexpr std::uint32_t kGroupViable = 1u << 0;

struct BindIommufd {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::int32_t iommufd;
  std::uint32_t out_devid;
};
static_assert(sizeof(BindIommufd) == 16);

struct AttachIommufdPt {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t pt_id;
};
static_assert(sizeof(AttachIommufdPt) == 12);

struct IoasAlloc {
  std::uint32_t size;
  std::uint32_t flags;
  std::uint32_t out_ioas_id;
};
static_assert(sizeof(IoasAlloc) == 12);

/// struct vfio_iommu_type1_dma_unmap
struct IommuUnmapDma {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t iova;
  std::uint64_t size;
};
static_assert(sizeof(IommuUnmapDma) == 24);
/// VFIO_DMA_UNMAP_FLAG_ALL: with iova and size 0, everything.
inline constexpr std::uint32_t kUnmapAll = 1u << 1;

struct IoasUnmap {
  std::uint32_t size;
  std::uint32_t ioas_id;
  std::uint64_t iova;
  std::uint64_t length;
};
static_assert(sizeof(IoasUnmap) == 24);

/// struct vfio_pci_dependent_device
struct PciDependentDevice {
  /// Of its IOMMU group; a device id of the iommufd where the device was opened by its character device.
  std::uint32_t id;
  std::uint16_t segment;
  std::uint8_t bus;
  std::uint8_t devfn;
};
static_assert(sizeof(PciDependentDevice) == 8);

/// struct vfio_pci_hot_reset_info, with `count` devices behind it.
struct PciHotResetInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t count;
};
static_assert(sizeof(PciHotResetInfo) == 12);

/// struct vfio_pci_hot_reset with room for one group.
struct PciHotReset {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t count;
  std::int32_t group;
};
static_assert(sizeof(PciHotReset) == 16);

struct IrqInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t count;
};
static_assert(sizeof(IrqInfo) == 16);
// struct vfio_irq_info.flags
inline constexpr std::uint32_t kIrqInfoEventfd = 1u << 0;

/// struct vfio_irq_set with one eventfd behind it.
struct IrqSetEventfd {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t start;
  std::uint32_t count;
  std::int32_t eventfd;
};
static_assert(sizeof(IrqSetEventfd) == 24);
// struct vfio_irq_set.flags
inline constexpr std::uint32_t kIrqSetDataEventfd = 1u << 2;
inline constexpr std::uint32_t kIrqSetActionTrigger = 1u << 5;
// VFIO_PCI_REQ_IRQ_INDEX: the host wants the device back (VFIO_DEVICE_REQ of QEMU's documentation).
inline constexpr std::uint32_t kPciReqIrqIndex = 4;

}  // namespace transship::vfio

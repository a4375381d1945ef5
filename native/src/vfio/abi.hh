// The parts of the VFIO uAPI that the doors and the migration protocols use. Names are those of
// include/uapi/linux/vfio.h; the migration region is that of the NDMA specification (type 3, subtype 1),
// which mainline never carried, and v2's newest features are younger than the headers of the systems that
// this is built on, so no system header has all of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace transship::vfio {

// struct vfio_device_info.flags
inline constexpr std::uint32_t kDeviceFlagsReset = 1u << 0;
inline constexpr std::uint32_t kDeviceFlagsPci = 1u << 1;

// struct vfio_region_info.flags
inline constexpr std::uint32_t kRegionFlagRead = 1u << 0;
inline constexpr std::uint32_t kRegionFlagWrite = 1u << 1;
inline constexpr std::uint32_t kRegionFlagMmap = 1u << 2;
inline constexpr std::uint32_t kRegionFlagCaps = 1u << 3;

// Capability ids of a region's info chain.
inline constexpr std::uint16_t kRegionInfoCapSparseMmap = 1;
inline constexpr std::uint16_t kRegionInfoCapType = 2;
inline constexpr std::uint16_t kRegionInfoCapMigNdma = 6;

// Fixed PCI region indexes; device specific regions (migration) start at kPciNumRegions.
inline constexpr std::uint32_t kPciConfigRegionIndex = 7;
inline constexpr std::uint32_t kPciNumRegions = 9;

// Region type of the v1 migration region (VFIO_REGION_TYPE_MIGRATION[_DEPRECATED]).
inline constexpr std::uint32_t kRegionTypeMigration = 3;
inline constexpr std::uint32_t kRegionSubtypeMigration = 1;

// Bits of vfio_device_migration_info.device_state.
inline constexpr std::uint32_t kStateRunning = 1u << 0;
inline constexpr std::uint32_t kStateSaving = 1u << 1;
inline constexpr std::uint32_t kStateResuming = 1u << 2;
inline constexpr std::uint32_t kStateNdma = 1u << 3;
inline constexpr std::uint32_t kStateMask = 0xF;
inline constexpr std::uint32_t kStateError = kStateSaving | kStateResuming;

struct RegionInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t cap_offset;
  std::uint64_t size;
  std::uint64_t offset;
};
static_assert(sizeof(RegionInfo) == 32);

struct DeviceInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t num_regions;
  std::uint32_t num_irqs;
};
static_assert(sizeof(DeviceInfo) == 16);

struct InfoCapHeader {
  std::uint16_t id;
  std::uint16_t version;
  std::uint32_t next;  // offset from the start of the info structure; 0 ends the chain
};
static_assert(sizeof(InfoCapHeader) == 8);

struct RegionCapType {
  InfoCapHeader header;
  std::uint32_t type;
  std::uint32_t subtype;
};
static_assert(sizeof(RegionCapType) == 16);

struct RegionCapSparseMmap {
  InfoCapHeader header;
  std::uint32_t nr_areas;
  std::uint32_t reserved;
  // followed by nr_areas SparseMmapArea
};
static_assert(sizeof(RegionCapSparseMmap) == 16);

struct SparseMmapArea {
  std::uint64_t offset;
  std::uint64_t size;
};
static_assert(sizeof(SparseMmapArea) == 16);

// The start of the v1 migration region.
struct MigrationInfo {
  std::uint32_t device_state;
  std::uint32_t reserved;
  std::uint64_t pending_bytes;
  std::uint64_t data_offset;
  std::uint64_t data_size;
};
static_assert(sizeof(MigrationInfo) == 32);
static_assert(offsetof(MigrationInfo, pending_bytes) == 8);
static_assert(offsetof(MigrationInfo, data_offset) == 16);
static_assert(offsetof(MigrationInfo, data_size) == 24);

// struct vfio_device_feature.flags: the feature's index and what to do with it.
inline constexpr std::uint32_t kFeatureMask = 0xFFFF;
inline constexpr std::uint32_t kFeatureGet = 1u << 16;
inline constexpr std::uint32_t kFeatureSet = 1u << 17;
inline constexpr std::uint32_t kFeatureProbe = 1u << 18;

// Feature indexes, VFIO_DEVICE_FEATURE_*.
inline constexpr std::uint32_t kFeatureMigration = 1;
inline constexpr std::uint32_t kFeatureMigDeviceState = 2;
inline constexpr std::uint32_t kFeatureDmaLoggingStart = 6;
inline constexpr std::uint32_t kFeatureDmaLoggingStop = 7;
inline constexpr std::uint32_t kFeatureDmaLoggingReport = 8;
inline constexpr std::uint32_t kFeatureMigDataSize = 9;
inline constexpr std::uint32_t kFeatureBusMaster = 10;
inline constexpr std::uint32_t kFeatureMigPrecopyInfoV2 = 12;

// struct vfio_device_feature_migration.flags
inline constexpr std::uint64_t kMigrationStopCopy = 1u << 0;
inline constexpr std::uint64_t kMigrationP2p = 1u << 1;
inline constexpr std::uint64_t kMigrationPreCopy = 1u << 2;

/// enum vfio_device_mig_state: the states of v2.
enum class MigState : std::uint32_t {
  kError = 0,
  kStop = 1,
  kRunning = 2,
  kStopCopy = 3,
  kResuming = 4,
  kRunningP2p = 5,
  kPreCopy = 6,
  kPreCopyP2p = 7,
};

// struct vfio_precopy_info.flags, output; means something only after SET of kFeatureMigPrecopyInfoV2.
inline constexpr std::uint32_t kPrecopyInfoReinit = 1u << 0;

// struct vfio_device_feature_bus_master.op
inline constexpr std::uint32_t kFeatureClearMaster = 0;
inline constexpr std::uint32_t kFeatureSetMaster = 1;

struct DeviceFeature {
  std::uint32_t argsz;
  std::uint32_t flags;
  // followed by the feature's payload
};
static_assert(sizeof(DeviceFeature) == 8);

struct FeatureMigration {
  std::uint64_t flags;
};
static_assert(sizeof(FeatureMigration) == 8);

struct FeatureMigState {
  std::uint32_t device_state;
  std::int32_t data_fd;
};
static_assert(sizeof(FeatureMigState) == 8);

struct FeatureMigDataSize {
  std::uint64_t stop_copy_length;
};
static_assert(sizeof(FeatureMigDataSize) == 8);

struct FeatureBusMaster {
  std::uint32_t op;
};
static_assert(sizeof(FeatureBusMaster) == 4);

// struct vfio_precopy_info, the argument of VFIO_MIG_GET_PRECOPY_INFO.
struct MigPrecopyInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t initial_bytes;
  std::uint64_t dirty_bytes;
};
static_assert(sizeof(MigPrecopyInfo) == 24);

struct FeatureDmaLoggingRange {
  std::uint64_t iova;
  std::uint64_t length;
};
static_assert(sizeof(FeatureDmaLoggingRange) == 16);

// The kernel's form of DMA logging, with addresses in this process; vfio-user has its own.
struct FeatureDmaLoggingControl {
  std::uint64_t page_size;
  std::uint32_t num_ranges;
  std::uint32_t reserved;
  std::uint64_t ranges;  // address of num_ranges FeatureDmaLoggingRange
};
static_assert(sizeof(FeatureDmaLoggingControl) == 24);

struct FeatureDmaLoggingReport {
  std::uint64_t iova;
  std::uint64_t length;
  std::uint64_t page_size;
  std::uint64_t bitmap;  // address of little-endian u64 words
};
static_assert(sizeof(FeatureDmaLoggingReport) == 32);

}  // namespace transship::vfio

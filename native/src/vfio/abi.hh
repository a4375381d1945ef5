// The parts of the VFIO uAPI that the vfio-user door and the v1 migration region use. Names are
// those of include/uapi/linux/vfio.h; the migration region is that of the NDMA specification
// (type 3, subtype 1), which mainline never carried, so no system header has all of it.
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

}  // namespace transship::vfio

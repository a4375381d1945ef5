#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::vfio {

/// Reads a struct vfio_region_info with its capability chain, as the device sent it. Nothing in it is
/// trusted: every offset is checked, a chain that loops ends, areas lie inside the region.
///
/// `info` is the structure from its first byte to the last one received; `index` is the region asked for.
/// Capabilities that are not known are skipped. Errors: kBadRegionInfo.
Result<RegionFacts> parseRegionInfo(std::span<const std::byte> info, std::uint32_t index);

}  // namespace transship::vfio

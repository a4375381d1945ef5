#pragma once

#include <memory>

#include "common/system_calls.hh"
#include "vfio/device.hh"

namespace transship::vfio {

/// Maps the areas of `region` from `file`. An area that is not page aligned, lies beyond the end of the file
/// (touching it would raise SIGBUS) or is refused by the system is left out; accesses to it take the other
/// way. `system` must outlive the mapping.
std::unique_ptr<RegionMapping> mapFile(SystemCalls& system, const RegionFacts& region, int file);

/// Maps the areas of `region` from the device's own file, which has no size to compare with: its driver
/// checks the areas. Areas that are not page aligned or that the driver refuses are left out.
std::unique_ptr<RegionMapping> mapDevice(SystemCalls& system, const RegionFacts& region, int device);

}  // namespace transship::vfio

#pragma once

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// Finds the v1 migration region among all regions of the device by its type (3, 1), wherever it is (V1-01).
///
/// Errors: kNotMigratable when there is none; kBadRegionInfo when there are two, or when it is too small for
/// its registers or cannot be read and written.
Result<vfio::RegionFacts> locateMigrationRegion(vfio::Device& device);

}  // namespace transship::migration

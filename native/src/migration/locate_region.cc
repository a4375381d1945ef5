#include "migration/locate_region.hh"

#include <cerrno>
#include <optional>

#include "common/mutant.hh"

namespace transship::migration {
namespace {

bool isMigrationRegion(const vfio::RegionFacts& region) {
  if (TRANSSHIP_MUTANT("V1-01")) {
    return region.index == vfio::kPciNumRegions;
  }
  return region.type && region.type->type == vfio::kRegionTypeMigration &&
         region.type->subtype == vfio::kRegionSubtypeMigration;
}

Error bad(const char* what) { return {.code = ErrorCode::kBadRegionInfo, .message = what}; }

}  // namespace

Result<vfio::RegionFacts> locateMigrationRegion(vfio::Device& device) {
  std::optional<vfio::RegionFacts> found;
  for (std::uint32_t index = 0; index < device.facts().regions; ++index) {
    auto region = device.region(index);
    if (!region) {
      if (region.error().code == ErrorCode::kAccessFailed && region.error().errorNumber == EINVAL) {
        continue;  // an index that this device does not use
      }
      return std::move(region.error());
    }
    if (!isMigrationRegion(*region)) {
      continue;
    }
    if (found) {
      return bad("the device has two migration regions");
    }
    found = std::move(*region);
  }
  if (!found) {
    return Error{.code = ErrorCode::kNotMigratable,
                 .message = "the device has no migration region, so its driver cannot migrate it"};
  }
  if (found->size <= sizeof(vfio::MigrationInfo) || !found->readable || !found->writable) {
    return bad("the device's migration region is too small or cannot be read and written");
  }
  return std::move(*found);
}

}  // namespace transship::migration

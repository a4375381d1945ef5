#include "migration/open_session.hh"

#include "migration/region_v1.hh"

namespace transship::migration {

Result<std::unique_ptr<Session>> openSession(std::unique_ptr<vfio::Device> device, bool useMapping) {
  return RegionV1::open(std::move(device), useMapping);
}

}  // namespace transship::migration

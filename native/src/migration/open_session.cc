#include "migration/open_session.hh"

#include "migration/region_v1.hh"
#include "migration/v2_facts.hh"
#include "migration/v2_session.hh"

namespace transship::migration {

Result<std::unique_ptr<Session>> openSession(std::unique_ptr<vfio::Device> device, bool useMapping) {
  const auto flags = migrationFlags(*device);
  if (!flags) {
    return flags.error();
  }
  if (*flags) {
    return SessionV2::open(std::move(device), **flags);
  }
  auto session = RegionV1::open(std::move(device), useMapping);
  if (!session && session.error().code == ErrorCode::kNotMigratable) {
    session.error().message =
        "the device has neither the migration features of v2 nor the migration region of v1, so its driver "
        "cannot "
        "migrate it";
  }
  return session;
}

}  // namespace transship::migration

#include "migration/v2_facts.hh"

#include <cerrno>
#include <span>
#include <string>

#include "common/mutant.hh"
#include "vfio/abi.hh"

namespace transship::migration {
namespace {

constexpr std::uint64_t kDefined = vfio::kMigrationStopCopy | vfio::kMigrationP2p | vfio::kMigrationPreCopy;

}  // namespace

Result<std::optional<std::uint64_t>> migrationFlags(vfio::Device& device) {
  vfio::FeatureMigration answer{};
  Status got = device.feature(vfio::kFeatureGet | vfio::kFeatureMigration,
                              std::as_writable_bytes(std::span{&answer, 1}));
  if (!got) {
    if (got.error().code == ErrorCode::kAccessFailed && got.error().errorNumber == ENOTTY) {
      return std::optional<std::uint64_t>{};
    }
    return std::move(got.error());
  }
  const bool known = (answer.flags & vfio::kMigrationStopCopy) != 0 && (answer.flags & ~kDefined) == 0;
  if (!known && !TRANSSHIP_MUTANT("V2-01")) {
    return Error{.code = ErrorCode::kNotMigratable,
                 .message = "the device's driver migrates in a way that this client does not know (flags " +
                            std::to_string(answer.flags) + ")",
                 .field = "migration_flags"};
  }
  return std::optional{answer.flags};
}

Result<std::optional<std::uint64_t>> migrationDataSize(vfio::Device& device) {
  vfio::FeatureMigDataSize answer{};
  Status got = device.feature(vfio::kFeatureGet | vfio::kFeatureMigDataSize,
                              std::as_writable_bytes(std::span{&answer, 1}));
  if (got) {
    return std::optional{answer.stop_copy_length};
  }
  if (got.error().code != ErrorCode::kAccessFailed || TRANSSHIP_MUTANT("V2-19")) {
    return std::move(got.error());
  }
  return std::optional<std::uint64_t>{};
}

Result<bool> chooseReinitReports(vfio::Device& device) {
  Status set = device.feature(vfio::kFeatureSet | vfio::kFeatureMigPrecopyInfoV2, {});
  if (!set && set.error().code != ErrorCode::kAccessFailed) {
    return std::move(set.error());
  }
  return static_cast<bool>(set);
}

}  // namespace transship::migration

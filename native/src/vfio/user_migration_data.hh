#pragma once

#include <cstddef>

#include "common/error.hh"
#include "vfio/device.hh"
#include "vfio/user_client.hh"

namespace transship::vfio_user {

/// A v2 stream over vfio-user: messages on the device's own connection in place of a descriptor, so there is
/// nothing to close, and what ends the stream is the device's state alone.
class UserMigrationData final : public vfio::MigrationData {
 public:
  /// Transfers have at most `maxTransfer` bytes. `client` must outlive this.
  UserMigrationData(UserClient& client, std::size_t maxTransfer)
      : client_(client), maxTransfer_(maxTransfer) {}

  Result<std::size_t> read(std::span<std::byte> into) override;
  Result<std::size_t> write(std::span<const std::byte> from) override;
  /// The protocol has no such message: always ENOTTY.
  Result<vfio::PrecopyInfo> precopyInfo() override;

 private:
  UserClient& client_;
  std::size_t maxTransfer_;
};

}  // namespace transship::vfio_user

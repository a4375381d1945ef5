#pragma once

#include <cstddef>
#include <optional>

#include "common/error.hh"
#include "vfio/device.hh"
#include "vfio/user_client.hh"
#include "vfio/user_protocol.hh"

namespace transship::vfio_user {

/// A v2 stream over vfio-user: messages on the device's own connection in place of a descriptor, so there is
/// nothing to close, and what ends the stream is the device's state alone.
class UserMigrationData final : public vfio::MigrationData {
 public:
  /// Transfers have at most `maxTransfer` bytes. `client` must outlive this.
  UserMigrationData(UserClient& client, std::size_t maxTransfer, std::optional<Command> precopyInfo)
      : client_(client), maxTransfer_(maxTransfer), precopyInfo_(precopyInfo) {}

  Result<std::size_t> read(std::span<std::byte> into) override;
  Result<std::size_t> write(std::span<const std::byte> from) override;
  /// The protocol has no such message: ENOTTY from a server without one of its own.
  Result<vfio::PrecopyInfo> precopyInfo() override;

 private:
  UserClient& client_;
  std::size_t maxTransfer_;
  std::optional<Command> precopyInfo_;
};

}  // namespace transship::vfio_user

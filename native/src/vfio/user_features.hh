#pragma once

#include <cstdint>
#include <span>

#include "common/error.hh"
#include "vfio/device.hh"
#include "vfio/user_client.hh"

namespace transship::vfio_user {

/// VFIO_DEVICE_FEATURE over vfio-user (QEMU docs/interop/vfio-user.rst, message 16).
///
/// Servers without the message, or without the feature asked for, answer with different errnos; those that
/// can mean nothing else come out as ENOTTY, as a kernel would say it.
class UserFeatures {
 public:
  /// `client` must outlive this.
  explicit UserFeatures(UserClient& client) : client_(client) {}

  /// GET, SET or PROBE of one feature; `payload` is sent with a SET and filled by a GET.
  Status request(std::uint32_t flagsAndIndex, std::span<std::byte> payload);

  /// Starts the log of written pages and returns the page size that the server chose.
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges, std::uint64_t pageSize);

  /// Sets the bits of the written pages of `range` in `bitmap`. Asks in parts whose bits have at most
  /// `maxTransfer` bytes.
  Status reportDmaLogging(vfio::IovaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap,
                          std::size_t maxTransfer);

 private:
  /// Sends `ask` and receives `answerSize` bytes of payload, both without the feature's header.
  Status exchange(std::uint32_t flagsAndIndex, std::span<const std::byte> ask, std::span<std::byte> answer);
  Status reportPart(vfio::IovaRange part, std::uint64_t pageSize, std::span<std::byte> bitmap);

  UserClient& client_;
};

}  // namespace transship::vfio_user

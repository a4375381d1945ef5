#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "common/error.hh"
#include "common/unique_fd.hh"
#include "vfio/user_protocol.hh"
#include "vfio/user_socket.hh"

namespace transship::vfio_user {

/// A reply that the server sent without the error flag.
struct Reply {
  /// Bytes of payload, over both buffers of the request.
  std::size_t size = 0;
  /// Descriptors that came with it. Those the caller does not take are closed with the reply.
  std::vector<UniqueFd> descriptors = {};
};

/// The client's half of the vfio-user message exchange: one command, one reply, in turn.
///
/// A command may take as long as the device needs (setting NDMA waits for outstanding DMA), so waiting for
/// the first byte of a reply has no limit of its own; cancellation ends it. A message that has begun must
/// go on: a peer that stalls within one for longer than kStallLimit is given up.
///
/// After a transport error or a malformed message the connection is of no use any more, and every later
/// exchange fails with kConnectionLost. An error reply of the server (kAccessFailed with its errno) is an
/// answer and leaves the connection as it was.
class UserClient {
 public:
  static constexpr std::chrono::seconds kStallLimit{30};

  /// A payload in two parts that lie apart in memory: the fixed structure and the bulk data.
  struct Payload {
    std::span<const std::byte> fixed = {};
    std::span<const std::byte> bulk = {};
  };
  struct Buffers {
    std::span<std::byte> fixed = {};
    std::span<std::byte> bulk = {};
  };

  explicit UserClient(UserSocket socket) : socket_(std::move(socket)) {}

  /// Sends `command` and receives its reply into `into`, which is also the most that the reply may have.
  Result<Reply> exchange(Command command, Payload payload, Buffers into, Deadline deadline = std::nullopt);

  /// Gives the connection up, after a reply that does not fit its request.
  void abandon() noexcept { broken_ = true; }

 private:
  Result<Reply> receive(Command command, std::uint16_t id, Buffers into, Deadline deadline);
  Error breakOff(Error error);

  UserSocket socket_;
  std::uint16_t nextId_ = 0;
  bool broken_ = false;
};

}  // namespace transship::vfio_user

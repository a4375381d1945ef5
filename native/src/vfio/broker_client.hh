#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/cancellation.hh"
#include "common/error.hh"
#include "common/system_calls.hh"
#include "common/unique_fd.hh"
#include "vfio/user_socket.hh"

namespace transship::vfio {

using vfio_user::Deadline;

/// What the broker answered to a request that it fulfilled.
struct BrokerReply {
  /// The whole reply, one JSON object.
  std::string json = {};
  std::map<std::string, std::string, std::less<>> texts = {};
  std::map<std::string, std::uint64_t, std::less<>> numbers = {};
  std::vector<UniqueFd> descriptors = {};
};

/// A connection to a broker (docs/broker.md). Used by one thread.
class BrokerConnection {
 public:
  /// Errors: kConnectFailed when nobody listens, kNotAllowed without permission for the socket
  /// or when neither root nor the own user listens there, kConnectTimeout, kClosed after cancellation,
  /// kInvalidArgument for a path that cannot be. `system` and `cancellation` must outlive the connection.
  static Result<BrokerConnection> connect(SystemCalls& system, const Cancellation& cancellation,
                                          const std::string& path, Deadline deadline);

  /// Sends one request, with at most two `descriptors`, and waits for its reply.
  ///
  /// Errors: kConnectTimeout past the deadline, kConnectionLost, kClosed after cancellation,
  /// kProtocolViolation for a reply that is none. Refusals: kNotAllowed, kNotFound, kDeviceBusy,
  /// kIommuRefused, kAccessFailed with the device's errno, kConnectionLost for a device that is unplugged,
  /// kInvalidArgument, kQueueFull while the broker is opening the device for the first time, kConnectFailed
  /// for anything else.
  Result<BrokerReply> exchange(const std::string& request, std::span<const int> descriptors,
                               Deadline deadline);

  /// Waits until the broker ends the connection: kConnectionLost, or kClosed after cancellation.
  Status awaitEnd();

 private:
  BrokerConnection(SystemCalls& system, const Cancellation& cancellation, UniqueFd socket)
      : system_(&system), cancellation_(&cancellation), socket_(std::move(socket)) {}

  Status send(const std::string& request, std::span<const int> descriptors);
  Result<BrokerReply> receive(const Deadline& deadline);
  Status await(short events, const Deadline& deadline);

  SystemCalls* system_;
  const Cancellation* cancellation_;
  UniqueFd socket_;
};

/// One request on a connection of its own. A broker that is just opening the device is asked again until the
/// deadline. Errors: those of BrokerConnection, kConnectTimeout in place of kQueueFull.
Result<BrokerReply> askBroker(SystemCalls& system, const Cancellation& cancellation, const std::string& path,
                              const std::string& request, Deadline deadline);

}  // namespace transship::vfio

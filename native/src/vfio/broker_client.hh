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

/// Sends one request to the broker (docs/broker.md) on a connection of its own and waits for its reply.
/// `descriptors` go along; there are at most two. A broker that is just opening the device is asked again until the
/// deadline.
///
/// Errors: kConnectFailed when nobody listens, kConnectTimeout past the deadline, kConnectionLost, kClosed after
/// cancellation, kProtocolViolation for a reply that is none. Refusals: kNotAllowed, kNotFound, kDeviceBusy,
/// kIommuRefused, kAccessFailed with the device's errno, kConnectionLost for a device that is unplugged,
/// kInvalidArgument, kConnectFailed for anything else.
Result<BrokerReply> askBroker(SystemCalls& system, const Cancellation& cancellation, const std::string& path,
                              const std::string& request, std::span<const int> descriptors, Deadline deadline);

}  // namespace transship::vfio

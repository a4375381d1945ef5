#pragma once

#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/cancellation.hh"
#include "common/error.hh"
#include "common/system_calls.hh"
#include "common/unique_fd.hh"

namespace transship::vfio_user {

/// When to give up waiting; none waits until the other side answers, goes away, or the wait is cancelled.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Waits before the next of several tries: about 10 ms at first, doubled with each `attempt` up to 160 ms,
/// give or take a half so that several clients do not come back together. Ends early on cancellation.
void pauseBeforeRetry(SystemCalls& system, const Cancellation& cancellation, int attempt);

/// A connected Unix stream socket: bytes and descriptors, no messages. Every wait ends at its deadline or on
/// cancellation. Used by one thread at a time.
///
/// Errors: kClosed after cancellation, kConnectionLost when the peer is gone, kConnectTimeout past a
/// deadline.
class UserSocket {
 public:
  /// Connects to the socket at `path`. A peer whose backlog is full is tried again until the deadline; a path
  /// that nobody listens on is kConnectFailed at once.
  static Result<UserSocket> connect(SystemCalls& system, std::shared_ptr<Cancellation> cancellation,
                                    const std::string& path, Deadline deadline);

  /// Sends everything. `parts` are consumed: their bases and lengths advance.
  Status sendAll(std::span<iovec> parts, Deadline deadline);

  /// Receives at least one byte into `parts` and tells how many. Descriptors that come along are appended to
  /// `descriptors`; more than the message limit of them is a protocol violation, and all are closed.
  Result<std::size_t> receiveSome(std::span<const iovec> parts, std::vector<UniqueFd>& descriptors,
                                  Deadline deadline);

 private:
  UserSocket(SystemCalls& system, std::shared_ptr<Cancellation> cancellation, UniqueFd fd)
      : system_(&system), cancellation_(std::move(cancellation)), fd_(std::move(fd)) {}

  Status wait(short events, Deadline deadline);

  SystemCalls* system_;
  std::shared_ptr<Cancellation> cancellation_;
  UniqueFd fd_;
};

}  // namespace transship::vfio_user

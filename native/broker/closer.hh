#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/unique_fd.hh"

namespace transship::broker {

/// Closes descriptors that came from outside on a thread that nobody waits for: there are files whose close
/// blocks (a TCP socket with SO_LINGER), and one in flight that nobody else has is closed by whoever drops
/// it. There is one thread, and only while there is something to close. Used by one thread.
class Closer {
 public:
  /// `idle` is called on the closing thread when everything was closed, perhaps after the closer has gone.
  explicit Closer(std::function<void()> idle);

  void close(std::vector<UniqueFd> descriptors);

  /// Whether something is still being closed.
  [[nodiscard]] bool busy() const;

 private:
  struct Queue;

  std::shared_ptr<Queue> queue_;
};

}  // namespace transship::broker

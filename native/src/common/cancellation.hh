#pragma once

#include <atomic>

#include "common/error.hh"
#include "common/unique_fd.hh"

namespace transship {

/// Wakes a thread that waits in poll(2). Any thread may cancel; it stays cancelled.
class Cancellation {
 public:
  Cancellation();

  void cancel() noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

  /// Becomes readable on cancel(); to be waited on beside whatever is waited for. Invalid (-1) only when the
  /// process has no descriptors left; usable() tells.
  [[nodiscard]] int fd() const noexcept { return event_.get(); }
  [[nodiscard]] bool usable() const noexcept { return static_cast<bool>(event_); }

 private:
  UniqueFd event_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace transship

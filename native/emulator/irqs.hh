#pragma once

#include <unistd.h>

#include <array>
#include <cstdint>
#include <mutex>

#include "common/unique_fd.hh"

namespace transship::emulator {

/// The MSI-X vectors' eventfds, as the user's VFIO_USER_DEVICE_SET_IRQS left them. Thread-safe; a leaf lock.
class Irqs {
 public:
  static constexpr std::size_t kVectors = 4;

  /// Sets or (with an empty descriptor) removes one vector's eventfd. `vector` must be below kVectors.
  void set(std::size_t vector, UniqueFd fd) {
    const std::lock_guard lock(mutex_);
    fds_[vector] = std::move(fd);
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    for (UniqueFd& fd : fds_) {
      fd.reset();
    }
  }
  void trigger(std::size_t vector) {
    const std::lock_guard lock(mutex_);
    if (fds_[vector]) {
      const std::uint64_t one = 1;
      // A full eventfd counter means the user is not listening; the interrupt is pending already.
      static_cast<void>(!::write(fds_[vector].get(), &one, sizeof(one)));
    }
  }

 private:
  std::mutex mutex_;
  std::array<UniqueFd, kVectors> fds_;
};

}  // namespace transship::emulator

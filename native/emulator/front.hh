#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "device_core.hh"
#include "region_info.hh"

namespace transship::emulator {

/// What an access gives: an errno, or bytes that are valid until the next access of the same user.
struct ReadResult {
  int error = 0;
  std::span<const std::byte> data;
};

/// One migration protocol in front of a device: which of its registers or features a user reaches, and what
/// they mean. All but the atomics is used under the device's access lock.
class Front {
 public:
  explicit Front(DeviceCore& core) : core_(core) {}
  virtual ~Front() = default;
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  /// The device was reset, or has failed by itself: whatever was under way is gone.
  virtual void changed() = 0;
  /// The device changes its state by itself; returns an errno if it cannot.
  virtual int changeByItself(std::uint32_t nibble) = 0;
  /// Another user comes, or the user has gone.
  virtual void userChanged() {}
  /// The migration state as a reader would see it now.
  [[nodiscard]] std::uint32_t shown() const noexcept { return shown_.load(); }
  /// The same as a v1 nibble; one that is never valid when the device shows a state that is none.
  [[nodiscard]] std::uint32_t shownNibble() const noexcept { return nibble_.load(); }
  /// How often the user looked at the state.
  [[nodiscard]] std::uint64_t stateReads() const noexcept { return stateReads_.load(); }

 protected:
  void show(std::uint32_t value, std::uint32_t nibble) {
    shown_ = value;
    nibble_ = nibble;
  }
  void countStateRead() { ++stateReads_; }

  DeviceCore& core_;

 private:
  std::atomic<std::uint32_t> shown_{0};
  std::atomic<std::uint32_t> nibble_{0};
  std::atomic<std::uint64_t> stateReads_{0};
};

}  // namespace transship::emulator

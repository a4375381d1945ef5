#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <vector>

#include "migration/region_v1.hh"
#include "support/fake_device.hh"

namespace transship::test {

using migration::DeviceState;

/// A v1 session on a fake device that the test can see and steer.
struct Driver {
  explicit Driver(FakeDevice::Options options = {}, bool useMapping = true);

  /// Walks the arcs; the test fails at the first that is refused.
  void walk(std::initializer_list<DeviceState> states);
  /// Reads the stream until the device has nothing (more), in pieces of at most `piece` bytes.
  std::vector<Bytes> drain(std::size_t piece = 100);
  /// Writes segments in pieces of at most `piece` bytes and commits each.
  void load(const std::vector<Bytes>& segments, std::size_t piece = 100);
  /// Brings a reset device to Resuming.
  void toResuming() { walk({DeviceState::kRunningP2p, DeviceState::kStop, DeviceState::kResuming}); }
  void toStopCopy() { walk({DeviceState::kPreCopy, DeviceState::kPreCopyP2p, DeviceState::kStopCopy}); }
  /// State writes only, in order.
  [[nodiscard]] Trace stateWrites() const;
  [[nodiscard]] std::size_t count(const std::string& access) const;

  FakeDevice* device = nullptr;  // belongs to the session
  std::unique_ptr<migration::Session> session;
};

/// Code of the error; fails the test on success.
template <typename T>
std::string codeOf(const Result<T>& result) {
  return result ? "no error" : std::string{errorName(result.error().code)};
}

}  // namespace transship::test

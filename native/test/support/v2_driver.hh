#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>

#include "migration/session.hh"
#include "support/driver.hh"
#include "support/fake_v2_device.hh"

namespace transship::test {

/// A v2 session on a fake device that the test can see and steer.
struct V2Driver {
  explicit V2Driver(FakeV2Device::Options options = {});

  /// Walks the arcs; the test fails at the first that is refused.
  void walk(std::initializer_list<DeviceState> states);
  void toStopCopy() { walk({DeviceState::kPreCopy, DeviceState::kPreCopyP2p, DeviceState::kStopCopy}); }
  void toResuming() { walk({DeviceState::kRunningP2p, DeviceState::kStop, DeviceState::kResuming}); }
  /// Reads what the device has to give now, in pieces of at most `piece` bytes, and says whether the stream
  /// ended.
  struct Drained {
    Bytes bytes = {};
    std::size_t segments = 0;
    bool ended = false;
  };
  Drained drain(std::size_t piece = 100);
  /// Begins, writes and commits one segment.
  Status load(const Bytes& segment);
  /// The states that were asked for, in order.
  [[nodiscard]] Trace requests() const;
  [[nodiscard]] std::size_t count(const std::string& request) const;
  /// Refuses one request with an errno.
  void refuse(std::string request, int errorNumber);

  FakeV2Device* device = nullptr;  // belongs to the session
  std::unique_ptr<migration::Session> session;
};

}  // namespace transship::test

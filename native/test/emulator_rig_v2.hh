// What the tests of v2 devices share: a user of the device features, and a node of such devices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator_rig.hh"

namespace transship::emulator::test {

using vfio::MigState;

/// Drives one v2 device through FeaturesV2, without sockets. Errors are returned as errno.
class UserV2 {
 public:
  UserV2(Node& node, std::size_t index);

  [[nodiscard]] Device& device() const { return device_; }
  /// VFIO_DEVICE_FEATURE_MIGRATION.
  std::uint64_t flags();
  MigState state();
  int set(MigState to) { return setNumber(static_cast<std::uint32_t>(to)); }
  int setNumber(std::uint32_t number);
  /// All of them, first error ends it.
  int walk(std::initializer_list<MigState> states);
  int reset() { return device_.reset(); }

  /// One read of the data stream; nothing on an error (see error()).
  std::optional<Bytes> read(std::uint32_t count = 4096);
  [[nodiscard]] int error() const { return error_; }
  /// Reads until there is nothing, in pieces of `piece` bytes.
  Bytes readAll(std::uint32_t piece = 5000);
  int write(std::span<const std::byte> data);
  /// Writes all in pieces of `piece` bytes; the first error ends it.
  int writeAll(const Bytes& data, std::size_t piece = 7001);
  std::optional<PrecopyEstimate> estimate(bool wellFormed = true);
  std::uint64_t dataSize();

 private:
  Device& device_;
  int error_ = 0;
};

/// A node with small v2 devices, and a user for each that has looked at its flags and state.
class RigV2 {
 public:
  explicit RigV2(std::size_t devices, std::vector<std::string> options = {});

  Node& operator*() { return *rig_; }
  Node* operator->() { return rig_.operator->(); }
  UserV2& operator[](std::size_t index) { return users_[index]; }
  Rig& rig() { return rig_; }
  /// Sets all devices to each of the states, one device after the other.
  int all(std::initializer_list<MigState> states);
  void freeze() { rig_->workload(0).freeze(); }
  std::string fault(const std::string& kind, const std::string& arguments = "", std::size_t device = 0) {
    return rig_.fault(device, kind, arguments);
  }
  [[nodiscard]] std::string violations() const { return rig_.violations(); }
  [[nodiscard]] std::vector<std::string> items() const { return rig_.items(); }

 private:
  Rig rig_;
  std::vector<UserV2> users_;
};

/// Brings a fresh device (no peers) to a state over single arcs.
void bring(UserV2& user, MigState state);

/// All states, ERROR included.
inline constexpr MigState kAllStates[] = {MigState::kError,    MigState::kStop,      MigState::kRunning,
                                          MigState::kStopCopy, MigState::kResuming,  MigState::kRunningP2p,
                                          MigState::kPreCopy,  MigState::kPreCopyP2p};

}  // namespace transship::emulator::test

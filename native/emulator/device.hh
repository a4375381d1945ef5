#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "device_core.hh"
#include "features_v2.hh"
#include "front.hh"
#include "region_v1.hh"

namespace transship::emulator {

/// Region indexes. The migration region is not the first device-specific one: it has to be found by its type.
inline constexpr std::uint32_t kBar0 = 0;
inline constexpr std::uint32_t kMsixBar = 1;
inline constexpr std::uint32_t kDecoyRegion = vfio::kPciNumRegions;
inline constexpr std::uint32_t kMigrationRegionIndex = vfio::kPciNumRegions + 1;

/// One emulated device as its user and the harness see it: regions, features, RESET. Conforms to the D items
/// of the conformance list (v1) and to the comments of vfio.h (v2), faults aside. Thread-safe; the access
/// lock is the outermost of all and is held as long as a state change takes, so whoever must not wait for
/// that (info) reads the atomic mirrors only.
class Device {
 public:
  using Read = ReadResult;
  using Digests = DeviceCore::Digests;

  Device(std::size_t index, const DeviceOptions& options, Fabric& fabric, Violations& violations,
         DeviceHost host);

  // For the user's connection.
  void userCame();
  void userLeft();
  [[nodiscard]] vfio::DeviceInfo info() const;
  /// EINVAL for an index that is none.
  int describeRegion(std::uint32_t region, RegionDescription& description);
  [[nodiscard]] Read read(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  int write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data);
  /// Where data of a following write() may be put straight away; null when it has to be buffered.
  [[nodiscard]] std::byte* landing(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  /// VFIO_DEVICE_RESET.
  int reset();
  /// Runs `use` on the v2 features under the access lock; ENOTTY for a v1 device.
  template <typename Use>
  int withFeatures(Use use) {
    const std::lock_guard lock(access_);
    if (const int gone = begin(); gone != 0) {
      return gone;
    }
    return features_ ? use(*features_) : ENOTTY;
  }
  /// Whether VFIO_MIG_GET_PRECOPY_INFO has an answer.
  [[nodiscard]] bool estimatesPrecopy() const noexcept {
    return features_ && core_.options().precopyReport != PrecopyReport::kNone;
  }
  [[nodiscard]] DmaEngine& dma() noexcept { return core_.dma(); }
  [[nodiscard]] Irqs& irqs() noexcept { return core_.irqs(); }
  [[nodiscard]] FaultSet& faults() noexcept { return core_.faults(); }

  // For the harness.
  /// Makes the device part of a workload's set. Before the fabric starts, or while it is quiesced there.
  void arm(const Attachment& attachment);
  /// Resets the device behind its user's back. False when a state change does not let go of it in time.
  bool lose();
  /// Carries out an async-state fault.
  bool changeByItself(const StateArgument& target);
  /// Of memory and fabric state; nothing while the device runs or is busy.
  [[nodiscard]] std::optional<Digests> digests();
  /// Those of the last time that the device stopped or took what it had loaded; with keepDigests only.
  [[nodiscard]] std::optional<Digests> keptDigests();
  [[nodiscard]] const Front& front() const noexcept { return *front_; }
  /// The migration state as a reader would see it now: device_state, or the v2 number.
  [[nodiscard]] std::uint32_t stateNow() const noexcept { return front_->shown(); }
  /// Counters that cost no waiting.
  [[nodiscard]] const DeviceCore& core() const noexcept { return core_; }
  [[nodiscard]] std::uint64_t resets() const noexcept { return core_.resets(); }
  [[nodiscard]] std::size_t index() const noexcept { return core_.index(); }
  [[nodiscard]] Memory& memory() noexcept { return core_.memory(); }
  /// Ends waits that a fault has put a state change into.
  void stop() { core_.stop(); }

 private:
  int begin();
  // device_regions.cc
  Read readConfig(std::uint64_t offset, std::uint32_t count);
  int writeConfig(std::uint64_t offset, std::span<const std::byte> data);
  Read readBar(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  int writeBar(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data);
  void touchWhileStopped();
  // device.cc
  void resetNow();

  std::mutex access_;  // everything below but what has locks or atomics of its own
  DeviceCore core_;
  std::unique_ptr<RegionV1> region_;      // v1
  std::unique_ptr<FeaturesV2> features_;  // v2
  Front* front_;                          // the one that is there
  std::array<std::byte, PciConfig::kBarSize> msixTable_{};
  std::array<std::byte, 256> reply_{};
};

/// The name of a state, given as v1 nibble, in the project's one vocabulary ("RunningP2P"), or "Invalid".
[[nodiscard]] const char* stateName(std::uint32_t nibble) noexcept;

}  // namespace transship::emulator

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fabric.hh"
#include "faults.hh"
#include "irqs.hh"
#include "memory.hh"
#include "monitor.hh"
#include "pci_config.hh"
#include "region_info.hh"
#include "stream_load.hh"
#include "stream_save.hh"
#include "window.hh"

namespace transship::emulator {

struct DeviceOptions {
  std::size_t memoryBytes = 256u << 20;
  std::size_t windowBytes = 4u << 20;
  std::size_t segmentBytes = 1u << 20;
  MmapMode mmap = MmapMode::kFull;
  bool ndma = true;          // offers capability 6 and the NDMA bit
  bool reset = true;         // offers VFIO_DEVICE_FLAGS_RESET
  bool stickyBits = false;   // bits 31:4 of device_state read as a pattern
  bool gullible = false;     // takes any stream
  bool keepDigests = false;  // takes the digests of every stop, for who comes later
  PciIds ids;
  std::uint64_t seed = 1;  // of the memory's contents
};

/// What a device needs to know of the world around it.
struct DeviceHost {
  std::function<bool(std::uint64_t set)> thawed;  // whether the workload of that set is at work
  std::function<void()> die;                      // ends the process (fault "die")
};

/// Region indexes. The migration region is not the first device-specific one: it has to be found by its type.
inline constexpr std::uint32_t kBar0 = 0;
inline constexpr std::uint32_t kMsixBar = 1;
inline constexpr std::uint32_t kDecoyRegion = vfio::kPciNumRegions;
inline constexpr std::uint32_t kMigrationRegionIndex = vfio::kPciNumRegions + 1;
inline constexpr std::uint32_t kNumRegions = vfio::kPciNumRegions + 2;

/// One emulated device: registers, state machine, streams. Conforms to the D items of the conformance list,
/// faults aside. Thread-safe; the access lock is the outermost of all and is held as long as a state write
/// takes, so whoever must not wait for that (info) reads the atomic mirrors only.
class Device {
 public:
  struct Read {
    int error = 0;
    std::span<const std::byte> data;  // valid until the next call for the same user
  };

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
  [[nodiscard]] Irqs& irqs() noexcept { return irqs_; }
  [[nodiscard]] FaultSet& faults() noexcept { return faults_; }

  // For the harness.
  /// Makes the device part of a workload's set. Before the fabric starts.
  void arm(const Attachment& attachment);
  /// Resets the device behind its user's back. False when a state write does not let go of it in time.
  bool lose();
  /// Carries out an async-state fault.
  bool changeByItself(std::uint32_t target);
  struct Digests {
    Digest all, memory;
  };
  /// Of memory and fabric state; nothing while the device runs or is busy.
  [[nodiscard]] std::optional<Digests> digests();
  /// Those of the last time that the device stopped or took what it had loaded; with keepDigests only.
  [[nodiscard]] std::optional<Digests> keptDigests();
  /// device_state as a reader would see it now.
  [[nodiscard]] std::uint32_t stateNow() const noexcept { return shown_.load(); }
  [[nodiscard]] std::uint64_t resets() const noexcept { return resets_.load(); }
  /// How often the user looked at device_state.
  [[nodiscard]] std::uint64_t stateReads() const noexcept { return stateReads_.load(); }
  [[nodiscard]] std::uint64_t segmentsSaved() const noexcept { return segmentsSaved_.load(); }
  [[nodiscard]] std::uint64_t segmentsLoaded() const noexcept { return segmentsLoaded_.load(); }
  /// How long the last state write took.
  [[nodiscard]] std::chrono::nanoseconds lastArc() const noexcept {
    return std::chrono::nanoseconds(lastArc_.load());
  }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Memory& memory() noexcept { return memory_; }
  /// Ends waits that a fault has put a state write into.
  void stop() { stopping_ = true; }

 private:
  // device_access.cc
  Read readMigration(std::uint64_t offset, std::uint32_t count);
  int writeMigration(std::uint64_t offset, std::span<const std::byte> data);
  Read readField(Observation& seen, Register reg, std::uint32_t width);
  Read readData(Observation& seen);
  int writeField(Observation& seen, Register reg);
  int writeData(Observation& seen, std::span<const std::byte> data);
  [[nodiscard]] Observation observe(Action action, std::uint64_t offset, std::uint64_t length);
  // device_regions.cc
  Read readConfig(std::uint64_t offset, std::uint32_t count);
  int writeConfig(std::uint64_t offset, std::span<const std::byte> data);
  Read readBar(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  int writeBar(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data);
  void touchWhileStopped();
  // device_state.cc
  int changeState(std::uint32_t value);
  int walk(std::uint32_t target);
  int clearResuming();
  void openSaving();
  void enterError();
  void waitForWorkload();
  void pause(std::chrono::milliseconds time);
  void show();
  // device_stream.cc
  std::uint64_t pendingBytes();
  std::uint64_t pendingNow();
  int nextSegment(std::uint64_t& offset);
  std::uint64_t segmentSize();
  int takeSegment(std::uint64_t size);
  [[nodiscard]] Identity identity() const;
  [[nodiscard]] std::vector<std::byte> finalState();
  // device.cc
  void resetNow();
  [[nodiscard]] Digests digestsNow();
  [[nodiscard]] std::uint64_t contents() const;

  [[nodiscard]] bool running() const { return (state_ & vfio::kStateRunning) != 0; }
  [[nodiscard]] bool saving() const {
    return (state_ & vfio::kStateSaving) != 0 && state_ != vfio::kStateError;
  }
  [[nodiscard]] bool resuming() const {
    return (state_ & vfio::kStateResuming) != 0 && state_ != vfio::kStateError;
  }

  const std::size_t index_;
  const DeviceOptions options_;
  Fabric& fabric_;
  const DeviceHost host_;
  Memory memory_;
  Window window_;
  Irqs irqs_;
  FaultSet faults_;

  std::mutex access_;  // everything below but the atomics
  Monitor monitor_;
  Violations& violations_;
  std::uint32_t state_ = vfio::kStateRunning;
  std::uint32_t reserved_ = 0;
  std::optional<std::uint32_t> pretended_;  // fault wrong-state
  bool live_ = false;
  PciConfig config_;
  std::array<std::byte, PciConfig::kBarSize> msixTable_{};
  std::uint64_t scratch_ = 0;
  std::optional<SaveStream> save_;
  std::optional<SaveStream::Place> committed_;
  bool truncated_ = false;
  bool zeroSeen_ = false;
  std::optional<LoadStream> load_;
  std::optional<std::uint64_t> place_;
  std::uint64_t sessions_ = 0;
  std::optional<Digests> kept_;
  std::array<std::byte, 256> reply_{};

  std::atomic<std::uint32_t> shown_{vfio::kStateRunning};
  std::atomic<std::uint64_t> resets_{0};
  std::atomic<std::uint64_t> stateReads_{0};
  std::atomic<std::uint64_t> segmentsSaved_{0};
  std::atomic<std::uint64_t> segmentsLoaded_{0};
  std::atomic<std::int64_t> lastArc_{0};
  std::atomic<bool> losing_{false};
  std::atomic<bool> stopping_{false};
};

/// The state's name in the project's one vocabulary ("RunningP2P"), or "Invalid".
[[nodiscard]] const char* stateName(std::uint32_t state) noexcept;

}  // namespace transship::emulator

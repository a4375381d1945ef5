#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "device_options.hh"
#include "dma_engine.hh"
#include "fabric.hh"
#include "faults.hh"
#include "irqs.hh"
#include "memory.hh"
#include "monitor.hh"
#include "pci_config.hh"
#include "stream_load.hh"
#include "stream_save.hh"
#include "window.hh"

namespace transship::emulator {

/// What an emulated device is and does, whichever protocol its user speaks: contents, place on the fabric,
/// state, streams. A front (front.hh) brings it the user's wishes and shows it to the user.
///
/// The state is kept as the v1 nibble, which names each thing that a state is made of (RUNNING, SAVING,
/// RESUMING, NDMA); v2 states are combinations of the same. Used under the device's access lock, but for the
/// atomics and the parts with locks of their own.
class DeviceCore {
 public:
  DeviceCore(std::size_t index, const DeviceOptions& options, Fabric& fabric, Violations& violations,
             DeviceHost host);

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] const DeviceOptions& options() const noexcept { return options_; }
  [[nodiscard]] const DeviceHost& host() const noexcept { return host_; }
  [[nodiscard]] Fabric& fabric() noexcept { return fabric_; }
  [[nodiscard]] Memory& memory() noexcept { return memory_; }
  [[nodiscard]] Window& window() noexcept { return window_; }
  [[nodiscard]] Irqs& irqs() noexcept { return irqs_; }
  [[nodiscard]] FaultSet& faults() noexcept { return faults_; }
  [[nodiscard]] Monitor& monitor() noexcept { return monitor_; }
  [[nodiscard]] PciConfig& config() noexcept { return config_; }
  [[nodiscard]] DmaEngine& dma() noexcept { return dma_; }

  // core_state.cc
  [[nodiscard]] std::uint32_t state() const noexcept { return state_; }
  [[nodiscard]] bool running() const noexcept { return (state_ & vfio::kStateRunning) != 0; }
  [[nodiscard]] bool failed() const noexcept { return state_ == vfio::kStateError; }
  [[nodiscard]] bool saving() const noexcept { return (state_ & vfio::kStateSaving) != 0 && !failed(); }
  [[nodiscard]] bool resuming() const noexcept { return (state_ & vfio::kStateResuming) != 0 && !failed(); }
  /// Brings the device into another valid state; several bits may change. Returns the errno of a load that is
  /// no device's state, and then nothing but NDMA has changed.
  int walk(std::uint32_t target);
  /// The device has failed: fully stopped, and only reset() helps (L237-243).
  void enterError();
  /// Everything that the device has of its own goes; contents are new ones, never those that it had before.
  void reset();
  /// Makes the device part of a workload's set.
  void arm(const Attachment& attachment);
  /// Sleeps as a fault asks for, until the device is lost or stopped.
  void pause(std::chrono::milliseconds time);
  /// An observation with everything filled in that does not depend on the access.
  [[nodiscard]] Observation observe(Action action, std::uint64_t offset = 0, std::uint64_t length = 0) const;
  /// Adds what only a state request needs to know: the peers, and whether the workload is at work.
  void observeSet(Observation& seen) const;

  // core_stream.cc
  /// Estimate of what the SAVING session still has; zero without one.
  [[nodiscard]] std::uint64_t pending() const;
  /// What a stopped device would have to tell in all.
  [[nodiscard]] std::uint64_t wholeSize() const;
  /// The next segment of the SAVING session, in the window; nothing when pending() is zero.
  std::optional<SaveStream::Place> makeSegment();
  /// Takes the segment of `size` bytes at `offset` of the window in. Returns an errno if the device looks
  /// that early, and the verdict in any case.
  int takeSegment(std::uint64_t offset, std::uint64_t size, Verdict* verdict = nullptr);
  [[nodiscard]] SaveStream* save() noexcept { return save_ ? &*save_ : nullptr; }
  [[nodiscard]] LoadStream* load() noexcept { return load_ ? &*load_ : nullptr; }

  struct Digests {
    Digest all, memory;
  };
  /// Of memory and fabric state, now.
  [[nodiscard]] Digests digests();
  [[nodiscard]] const std::optional<Digests>& kept() const noexcept { return kept_; }

  [[nodiscard]] std::uint64_t scratch() const noexcept { return scratch_; }
  void setScratch(std::uint64_t value) noexcept { scratch_ = value; }

  // For who must not wait for the access lock.
  [[nodiscard]] std::uint64_t resets() const noexcept { return resets_.load(); }
  [[nodiscard]] std::uint64_t segmentsSaved() const noexcept { return segmentsSaved_.load(); }
  [[nodiscard]] std::uint64_t segmentsLoaded() const noexcept { return segmentsLoaded_.load(); }
  /// How long the last state change took.
  [[nodiscard]] std::chrono::nanoseconds lastArc() const noexcept {
    return std::chrono::nanoseconds(lastArc_.load());
  }
  /// Lets go of waits that a fault has put a state change into, while `losing`.
  void setLosing(bool losing) { losing_ = losing; }
  void stop() { stopping_ = true; }

 private:
  int change(std::uint32_t target);
  void openSaving();
  void openResuming();
  int clearResuming();
  void waitForWorkload();
  [[nodiscard]] bool mayWrite(std::uint32_t nibble) const noexcept;
  [[nodiscard]] Identity identity() const;
  [[nodiscard]] std::vector<std::byte> finalState() const;
  [[nodiscard]] std::uint64_t contents() const;

  const std::size_t index_;
  const DeviceOptions options_;
  Fabric& fabric_;
  const DeviceHost host_;
  Memory memory_;
  Window window_;
  Irqs irqs_;
  FaultSet faults_;
  Monitor monitor_;
  PciConfig config_;
  DmaEngine dma_;
  std::uint32_t state_ = vfio::kStateRunning;
  bool live_ = false;
  std::uint64_t scratch_ = 0;
  std::optional<SaveStream> save_;
  bool truncated_ = false;
  std::optional<LoadStream> load_;
  std::uint64_t sessions_ = 0;
  std::optional<Digests> kept_;

  std::atomic<std::uint64_t> resets_{0};
  std::atomic<std::uint64_t> segmentsSaved_{0};
  std::atomic<std::uint64_t> segmentsLoaded_{0};
  std::atomic<std::int64_t> lastArc_{0};
  std::atomic<bool> losing_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace transship::emulator

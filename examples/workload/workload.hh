#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "device.hh"
#include "evidence.hh"
#include "memory.hh"
#include "state_stream.hh"

struct WorkloadOptions {
  std::function<DeviceFiles()> openDevice;
  std::uint64_t iova = 0x1'0000'0000;
  std::size_t memory = std::size_t{4} << 20;
  /// Lets the device write the first half of the memory, a page every so often; 0: it has no DMA engine.
  std::uint32_t dmaIntervalUs = 0;
};

/// A call that does not fit the phase the workload is in.
class Refused : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

enum class Phase { kRunning, kFrozen, kIncoming, kEnded };
const char* nameOf(Phase phase) noexcept;

/// What the workload knows of its work. Travels with it.
struct Counters {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  /// Bytes of the sequence that never came back, and those that came once more.
  std::uint64_t gaps = 0;
  std::uint64_t doubles = 0;
  /// Bytes that were in the device when it was reset, which the workload was told of.
  std::uint64_t resetAway = 0;
};

struct Report {
  Phase phase;
  Counters counters;
  /// Bytes of the sequence that are not in memory as they came.
  std::uint64_t wrongBytes;
  /// What the device has written, as it was found when the state was last saved or loaded.
  DeviceNumbers device;
  /// Why the work came to a halt; empty while all is well.
  std::string trouble;
};

/// A workload that can be moved: sends a numbered byte sequence through a device that gives it back, checks
/// that nothing is lost, doubled or out of order, and keeps what came back in memory that its device may
/// write as well. Everything happens under one lock, so that a workload that is frozen touches its device
/// nowhere.
class Workload {
 public:
  explicit Workload(WorkloadOptions options);
  ~Workload();

  /// Opens the device and begins to work.
  void start();

  // What the hook asks for; each may be repeated. Throw Refused, or std::exception for what failed.
  // `savingId` of freeze and thaw: the attempt; empty when it was not told.
  void freeze(const std::string& savingId);
  /// Refused when another attempt has frozen or loaded the workload since.
  void thaw(const std::string& savingId);
  void expect(const std::string& savingId);
  void discard();
  void devicesReset();

  /// Called with a piece of the state and the bytes that are left; false ends the pass.
  using Sink = std::function<bool(std::string piece, std::uint64_t left)>;
  /// First copy of the memory while the work goes on; ends early when the workload is frozen.
  void saveLive(const std::string& savingId, const Sink& sink);
  /// The device has written there since the live pass began. Before saveFinal.
  void markDirty(std::uint64_t iova, std::uint64_t length);
  void saveFinal(const std::string& savingId, bool incremental, const Sink& sink);
  /// Takes the state; `next` gives the next bytes, or nothing at their end. Returns how many there were.
  std::uint64_t load(const std::string& savingId, const std::function<std::optional<std::string>()>& next);

  [[nodiscard]] Phase phase();
  [[nodiscard]] Report report();
  [[nodiscard]] const WorkloadOptions& options() const { return options_; }

 private:
  static constexpr std::size_t kPage = 4096;

  void work(const std::stop_token& stop);
  void step();
  void take(std::uint8_t byte);
  void beginAnew();
  void apply(std::uint64_t offset, std::span<const std::byte> payload);
  /// False when it was not taken to its end.
  bool sendDirty(Phase during, const Sink& sink);
  void mark(std::size_t offset, std::size_t length);
  [[nodiscard]] std::uint64_t wrongBytes() const;
  [[nodiscard]] std::span<std::byte> ofDevice() const;
  [[nodiscard]] std::span<std::byte> ofBytes() const;

  const WorkloadOptions options_;
  const DmaMemory memory_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Phase phase_ = Phase::kIncoming;
  std::unique_ptr<Uart> uart_;
  Counters counters_;
  DeviceNumbers device_;
  bool deviceIsBlank_ = false;
  std::string trouble_;
  /// Pages that the live pass has not sent, or that were written since.
  std::vector<bool> dirty_;
  std::string liveSaving_;
  std::string expected_;
  /// What froze or loaded the workload last.
  std::string frozenBy_;
  bool sawLayout_ = false;
  bool sawCounters_ = false;
  std::jthread worker_;
};

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fabric.hh"

namespace transship::emulator {

/// The driver of one device set, in place of a real workload: it posts numbered work to each device while it
/// is thawed, and has state of its own that has to move with the set.
///
///   Empty      none here            load -> Loaded
///   Loaded     arrived, frozen      thaw -> Live, incoming/load -> anew
///   Live       at work or frozen    discard (frozen) -> Ended
///   Ended      moved away           load -> Loaded
class Workload {
 public:
  static constexpr std::size_t kStateBytes = 64 * 1024;

  enum class Phase { kEmpty, kLoaded, kLive, kEnded };
  struct Report {
    Phase phase;
    bool frozen;
    bool arrived;  // by load(), from another node
    std::uint64_t set;
    std::vector<std::uint64_t> submissions;  // per slot, ascending
    std::uint64_t refused;                   // postings that found no running device
    std::uint64_t freezes;                   // how often it was told to stand still
    std::uint64_t thaws;                     // and to run
    std::string cookie;
  };

  explicit Workload(Fabric& fabric) : fabric_(fabric) {}

  /// Comes to life at its origin. `slots` are the devices it drives.
  void begin(std::uint64_t set, const std::vector<std::uint32_t>& slots, std::uint64_t seed);
  /// Posts one piece of work to each device, unless frozen.
  void post();

  // Each says why it refuses; an empty text is success. Freezing returns when no posting is in progress.
  std::string freeze();
  std::string thaw();
  std::string discard();
  std::string incoming();
  std::string load(const std::vector<std::byte>& state);
  /// The frozen workload's state; nothing when it is not frozen or not there.
  [[nodiscard]] std::optional<std::vector<std::byte>> save() const;

  [[nodiscard]] bool thawedFor(std::uint64_t set) const;
  [[nodiscard]] Report report() const;

 private:
  Fabric& fabric_;
  mutable std::mutex mutex_;  // taken before the fabric's
  Phase phase_ = Phase::kEmpty;
  bool frozen_ = true;
  bool arrived_ = false;
  std::uint64_t set_ = 0;
  std::uint64_t cookie_ = 0;
  std::map<std::uint32_t, std::uint64_t> submissions_;
  std::uint64_t refused_ = 0;
  std::uint64_t freezes_ = 0;
  std::uint64_t thaws_ = 0;
};

[[nodiscard]] const char* phaseName(Workload::Phase phase) noexcept;

}  // namespace transship::emulator

// The protocol monitor: what a device can see of its user, judged by the items of the conformance list.
//
// Every access to a device becomes an Observation. The rules (tables in rules_*.cc, one file per group) look
// at it and at the Trace of what the user did before; a rule that finds itself broken is recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "coverage.hh"
#include "fabric.hh"
#include "state_value.hh"
#include "stream_load.hh"
#include "vfio/abi.hh"

namespace transship::emulator {

struct Violation {
  std::size_t device;
  std::string item;
  std::string what;
};

/// The recorded violations of one node. Thread-safe; its lock is a leaf.
class Violations {
 public:
  /// More than this many are counted only: a user that goes wrong in a loop must not fill the memory.
  static constexpr std::size_t kMost = 1000;

  void record(std::size_t device, const char* item, const char* what);
  [[nodiscard]] std::vector<Violation> list() const;
  [[nodiscard]] std::size_t dropped() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::vector<Violation> list_;
  std::size_t dropped_ = 0;
};

/// What the user did. One bit each, so that a rule can name several.
enum Action : std::uint32_t {
  kStateRead = 1u << 0,
  kStateWrite = 1u << 1,
  kPendingRead = 1u << 2,
  kOffsetRead = 1u << 3,
  kSizeRead = 1u << 4,
  kSizeWrite = 1u << 5,
  kDataRead = 1u << 6,
  kDataWrite = 1u << 7,
  kOtherField = 1u << 8,  // the reserved field, or a write to a read-only one
  kBadAccess = 1u << 9,   // wrong width or alignment of a field
  kReset = 1u << 10,
  kBarAccess = 1u << 11,      // device memory other than the MSI-X table
  kWrongRegion = 1u << 12,    // a device-specific region that is not the migration region
  kSegmentJudged = 1u << 13,  // the device has looked at a segment it was given
};
inline constexpr std::uint32_t kDataFields =
    kPendingRead | kOffsetRead | kSizeRead | kSizeWrite | kDataRead | kDataWrite;
inline constexpr std::uint32_t kMigrationRegion =
    kStateRead | kStateWrite | kDataFields | kOtherField | kBadAccess;

struct Observation {
  Action action{};
  std::uint32_t state = 0;     // nibble before the access
  std::uint32_t reserved = 0;  // bits 31:4 as the register shows them
  std::uint64_t value = 0;     // written: the register's new value
  std::uint64_t offset = 0;    // of the access in the region
  std::uint64_t length = 0;
  bool hasNdma = false;         // the device offers capability 6
  bool hasReset = false;        // the device offers VFIO_DEVICE_FLAGS_RESET
  bool live = false;            // holds state that nobody has reset since
  bool thawed = false;          // its workload runs (known for state writes)
  std::uint64_t windowEnd = 0;  // end of the data section in the region
  std::span<const vfio::SparseMmapArea> mappable;
  PeerView peers;                    // known for state writes
  Verdict verdict = Verdict::kGood;  // kSegmentJudged

  [[nodiscard]] std::uint32_t target() const { return static_cast<std::uint32_t>(value) & vfio::kStateMask; }
  // What a write would change; a value that is never valid changes nothing.
  [[nodiscard]] bool clears(std::uint32_t bit) const {
    return isValidState(target()) && (state & bit) != 0 && (value & bit) == 0;
  }
  [[nodiscard]] bool sets(std::uint32_t bit) const {
    return isValidState(target()) && (state & bit) == 0 && (value & bit) != 0;
  }
};

/// What the current user of a device did so far, as far as a rule needs it.
struct Trace {
  bool stateSeen = false;        // device_state was read on this connection
  bool regionSeen = false;       // the migration region's capabilities were fetched on this connection
  bool writeFailed = false;      // the last state write failed and device_state was not read since
  bool resetUnchecked = false;   // RESET, and device_state was not read since
  bool loadRefused = false;      // clearing RESUMING failed; only RESET helps
  bool faulted = false;          // a field or data access was answered with an error
  bool ndmaStopRefused = false;  // 0x9 -> 0x8 was refused (V1-33)
  bool pendingSeen = false;      // pending_bytes was read as non-zero since the last segment
  bool committed = false;        // data_offset was read: the segment has to be collected
  bool sizeSeen = false;         // data_size of that segment was read
  std::uint64_t offset = 0, size = 0;
  Coverage collected;      // bytes of the region read by message since
  bool placeSeen = false;  // RESUMING: data_offset was read for the next segment
  std::uint64_t place = 0;
  Coverage stored;  // bytes of the region written by message since

  /// Whether the committed segment was collected, as far as a device can know: bytes in a mappable area that
  /// were never read by message may have been read through the map.
  [[nodiscard]] bool collectedAll(std::span<const vfio::SparseMmapArea> mappable) const;
  /// The same for a segment of `length` bytes written from `place` on.
  [[nodiscard]] bool storedAll(std::uint64_t length, std::span<const vfio::SparseMmapArea> mappable) const;
};

/// One rule: which item, on which actions, and when it is broken.
struct Rule {
  const char* item;
  const char* what;
  std::uint32_t on;
  bool (*broken)(const Observation&, const Trace&);
};

std::span<const Rule> accessRules();
std::span<const Rule> stateRules();
std::span<const Rule> setRules();
std::span<const Rule> savingRules();
std::span<const Rule> resumingRules();

/// Watches the user of one device. Used under the device's access lock.
class Monitor {
 public:
  Monitor(std::size_t device, Violations& violations) : device_(device), violations_(violations) {}

  /// Judges an access before it is carried out.
  void judge(const Observation& seen);
  /// Notes the outcome: errno, or 0 and the value that was read.
  void note(const Observation& seen, int error, std::uint64_t result = 0);
  void noteRegionInfo() { trace_.regionSeen = true; }
  /// The device refused the stream when RESUMING was cleared.
  void noteLoadRefused() { trace_.loadRefused = true; }
  /// Another user comes, or the device was reset behind the user's back.
  void forget() { trace_ = Trace{}; }

 private:
  const std::size_t device_;
  Violations& violations_;
  Trace trace_;
};

}  // namespace transship::emulator

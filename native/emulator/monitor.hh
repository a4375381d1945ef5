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
#include "device_options.hh"
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
  // v2; kStateRead and kStateWrite are GET and SET, kDataRead and kDataWrite the session's stream
  kInfoRead = 1u << 14,  // VFIO_MIG_GET_PRECOPY_INFO
  kOptIn = 1u << 15,     // VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2
  kLogStart = 1u << 16,  // VFIO_DEVICE_FEATURE_DMA_LOGGING_*
  kLogReport = 1u << 17,
  kLogStop = 1u << 18,
  kPiledOn = 1u << 19,  // a further message came while the state request was carried out
};
inline constexpr std::uint32_t kDataFields =
    kPendingRead | kOffsetRead | kSizeRead | kSizeWrite | kDataRead | kDataWrite;
inline constexpr std::uint32_t kMigrationRegion =
    kStateRead | kStateWrite | kDataFields | kOtherField | kBadAccess;
inline constexpr std::uint32_t kSessionData = kDataRead | kDataWrite | kInfoRead;

struct Observation {
  Action action{};
  std::uint32_t state = 0;     // nibble before the access
  std::uint32_t reserved = 0;  // bits 31:4 as the register shows them
  std::uint64_t value = 0;     // written: the register's new value; v2: the nibble of the state asked for
  std::uint64_t offset = 0;    // of the access in the region
  std::uint64_t length = 0;
  bool hasNdma = false;         // the device offers capability 6, or the P2P states
  bool hasReset = false;        // the device offers VFIO_DEVICE_FLAGS_RESET
  bool live = false;            // holds state that nobody has reset since
  bool thawed = false;          // its workload runs (known for state writes)
  std::uint64_t windowEnd = 0;  // end of the data section in the region
  std::span<const vfio::SparseMmapArea> mappable;
  PeerView peers;                    // known for state writes
  Verdict verdict = Verdict::kGood;  // kSegmentJudged
  std::size_t arcs = 0;              // v2: of a SET; zero when it is refused or asks for nothing
  bool offered = true;               // v2: the device has the state that a SET asks for
  bool partial = false;              // v2: a load has nothing yet, or ends inside of a record
  bool busMaster = false;            // the PCI command register has bus mastering on
  bool wellFormed = true;            // v2: arguments of an information or logging request
  bool logging = false;              // v2: DMA logging is on

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
  bool lookedUp = false;         // what the device can was asked on this connection (capabilities, flags)
  bool writeFailed = false;      // the last state request failed and the state was not read since
  bool resetUnchecked = false;   // RESET, and the state was not read since
  bool loadRefused = false;      // leaving RESUMING failed; only RESET helps
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
  // v2
  bool sessionGone = false;    // the data stream answered ENODEV and the state was not read since
  bool messageAtEnd = false;   // the data stream answered ENOMSG in STOP_COPY
  bool infoSeen = false;       // an estimate was asked for in this pre-copy
  bool streamEnded = false;    // the data stream has come to its end in STOP_COPY
  bool reportFailed = false;   // a report of the DMA log failed: the log is worth nothing
  bool reportedSince = false;  // the DMA log was reported since the device stopped

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
std::span<const Rule> stateRulesV2();
std::span<const Rule> setRulesV2();
std::span<const Rule> dataRulesV2();
std::span<const Rule> logRulesV2();

/// Watches the user of one device. Used under the device's access lock.
class Monitor {
 public:
  Monitor(std::size_t device, Protocol protocol, Violations& violations)
      : device_(device), protocol_(protocol), violations_(violations) {}

  /// Judges an access before it is carried out.
  void judge(const Observation& seen);
  /// Notes the outcome: errno, or 0 and the value that was read.
  void note(const Observation& seen, int error, std::uint64_t result = 0);
  /// The user has asked what the device can: the region's capabilities, or the migration flags.
  void noteLookedUp() { trace_.lookedUp = true; }
  /// The device refused the stream when RESUMING was left.
  void noteLoadRefused() { trace_.loadRefused = true; }
  /// Another user comes.
  void forget() { trace_ = Trace{}; }
  /// The device was reset, or changed its state, behind the user's back: nothing that the user does before it
  /// reads the state is its fault.
  void noteLost();

 private:
  void noteV2(const Observation& seen, int error, std::uint64_t result);

  const std::size_t device_;
  const Protocol protocol_;
  Violations& violations_;
  Trace trace_;
};

}  // namespace transship::emulator

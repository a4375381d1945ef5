#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device_options.hh"
#include "mig_state.hh"

namespace transship::emulator {

/// Ways in which a device misbehaves on purpose. Every one of them is outside the specification, or allowed
/// by it but unkind.
enum class FaultKind {
  kRefuseArc,       // to, errno: the state request fails, the state stays (v2: before that arc)
  kErrorOnArc,      // to, errno: the state request fails and the device is in ERROR
  kStallArc,        // to, ms: the state request takes that much longer
  kWrongState,      // to, errno, state: the state request fails and a third state shows
  kAsyncState,      // to: the device changes its state by itself, at once
  kDelay,           // ms: every access takes that much longer
  kPri,             // a quiesce completes only while the workload is thawed
  kCorruptStream,   // segment: one byte of that segment is another
  kTruncateStream,  // segment: the stream ends before that segment
  kZeroSize,        // segments of size zero while bytes are pending
  kLie,             // data_offset, data_size, reserved: what the register says instead
  kReadFault,       // register, errno
  kWriteFault,      // register, errno
  kShortRead,       // region reads answer with half of what was asked for
  kIgnoreReset,     // RESET succeeds and does nothing
  kFailReset,       // errno
  kDie,             // on=arc (to) or on=segment (segment): the process ends there
  kShortCaps,       // the migration region's capability chain ends inside a capability
  kCapLoop,         // the chain never ends
  kCapOob,          // the chain points out of the reply
  kBadVersion,      // the version reply has another major number
  kUnplugged,       // every access answers ENODEV
  kForeignStream,   // field: the stream says that it is another kind of device's
  kReinit,          // v2: new initial bytes appear in pre-copy, at the next estimate
  kFeatureFault,    // v2: feature, errno
};

/// A state as a fault names it: by its name, or by its number in the device's protocol.
struct StateArgument {
  std::uint32_t value = 0;
  bool named = false;  // then `value` is the v1 nibble

  [[nodiscard]] std::uint32_t nibble(Protocol protocol) const noexcept {
    return named || protocol == Protocol::kV1 ? value : nibbleOf(value);
  }
  /// The number that a device shows; a v2 one may be none that vfio.h knows.
  [[nodiscard]] std::uint32_t shown(Protocol protocol) const noexcept {
    return named && protocol == Protocol::kV2 ? numberOf(value) : value;
  }
};

/// What a foreign-stream fault makes strange: the first bytes, or the memory size that the stream tells.
enum class StreamField { kMagic, kMemory };

/// What a read-fault or write-fault is about.
enum class Register { kDeviceState, kPendingBytes, kDataOffset, kDataSize, kData };

struct Fault {
  FaultKind kind{};
  std::optional<StateArgument> to;       // the state that is entered; absent = any
  std::optional<std::uint64_t> segment;  // index in its session; absent = the first with contents
  std::optional<std::uint64_t> dataOffset, dataSize, reserved;
  std::optional<Register> reg;
  std::optional<StateArgument> state;
  std::optional<std::uint32_t> feature;  // index of a device feature
  StreamField field = StreamField::kMagic;
  std::optional<std::uint64_t> count;  // how often; absent = until cleared
  std::uint64_t ms = 0;
  int error = EIO;
  bool onArc = false;
};

/// Parses "KIND" with arguments "key=value" separated by commas or spaces, e.g. "refuse-arc" and
/// "to=0x9,errno=EBUSY,count=1". Nothing when it makes no sense; `why` then says what to write instead.
[[nodiscard]] std::optional<Fault> parseFault(std::string_view kind, std::string_view arguments,
                                              std::string& why);

/// The faults of one device. Thread-safe; its lock is a leaf.
class FaultSet {
 public:
  void add(const Fault& fault);
  void clear();
  /// Takes one use of the first fault of `kind` for which `applies` holds.
  template <typename Applies>
  std::optional<Fault> take(FaultKind kind, Applies applies) {
    if (!any_.load(std::memory_order_relaxed)) {
      return std::nullopt;  // the usual case costs no lock
    }
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      if (faults_[i].kind == kind && applies(faults_[i])) {
        return use(i);
      }
    }
    return std::nullopt;
  }
  std::optional<Fault> take(FaultKind kind) {
    return take(kind, [](const Fault&) { return true; });
  }
  /// Whether a fault of `kind` is set; uses nothing up.
  [[nodiscard]] bool has(FaultKind kind) const;
  /// How often a fault was used since the start; clear() keeps it, so that a harness can tell that one has
  /// struck.
  [[nodiscard]] std::uint64_t used() const noexcept { return used_.load(); }
  /// How often clear() was called; ends what a fault holds up.
  [[nodiscard]] std::uint64_t clears() const noexcept { return clears_.load(); }
  /// Changes with every add() and clear(); lets a waiting device notice.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(); }

 private:
  Fault use(std::size_t position);

  mutable std::mutex mutex_;
  std::vector<Fault> faults_;
  std::atomic<bool> any_{false};
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> clears_{0};
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace transship::emulator

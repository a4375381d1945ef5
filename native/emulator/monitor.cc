#include "monitor.hh"

#include <algorithm>
#include <cerrno>

namespace transship::emulator {
namespace {

using vfio::kStateNdma;
using vfio::kStateRunning;

// Bytes that can only be reached by message, and mappable bytes of a segment of which any was read (or
// written) by message, must all have been.
bool done(const Coverage& touched, std::uint64_t offset, std::uint64_t length,
          std::span<const vfio::SparseMmapArea> mappable) {
  const std::uint64_t end = offset + length;
  std::uint64_t at = offset;
  for (const vfio::SparseMmapArea& area : mappable) {
    const std::uint64_t from = std::clamp(area.offset, at, end);
    const std::uint64_t to = std::clamp(area.offset + area.size, from, end);
    if (!touched.covers(at, from - at)) {
      return false;
    }
    if (touched.touches(from, to - from) && !touched.covers(from, to - from)) {
      return false;
    }
    at = to;
  }
  return touched.covers(at, end - at);
}

}  // namespace

bool Trace::collectedAll(std::span<const vfio::SparseMmapArea> mappable) const {
  return sizeSeen && done(collected, offset, size, mappable);
}

bool Trace::storedAll(std::uint64_t length, std::span<const vfio::SparseMmapArea> mappable) const {
  return done(stored, place, length, mappable);
}

void Violations::record(std::size_t device, const char* item, const char* what) {
  const std::lock_guard lock(mutex_);
  if (list_.size() == kMost) {
    ++dropped_;
    return;
  }
  list_.push_back({device, item, what});
}

std::vector<Violation> Violations::list() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

std::size_t Violations::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void Violations::clear() {
  const std::lock_guard lock(mutex_);
  list_.clear();
  dropped_ = 0;
}

void Monitor::judge(const Observation& seen) {
  const auto v1 = {accessRules(), stateRules(), setRules(), savingRules(), resumingRules()};
  const auto v2 = {stateRulesV2(), setRulesV2(), dataRulesV2(), logRulesV2()};
  for (const auto rules : protocol_ == Protocol::kV1 ? v1 : v2) {
    for (const Rule& rule : rules) {
      if ((rule.on & seen.action) != 0 && rule.broken(seen, trace_)) {
        violations_.record(device_, rule.item, rule.what);
      }
    }
  }
}

void Monitor::note(const Observation& seen, int error, std::uint64_t result) {
  if (seen.action != kStateRead && (seen.action & kMigrationRegion) != 0) {
    // One wrong step is one violation: what follows it is judged afresh.
    trace_.writeFailed = false;
    trace_.resetUnchecked = false;
  }
  switch (seen.action) {
    case kStateRead:
      trace_.stateSeen = true;
      trace_.writeFailed = false;
      trace_.resetUnchecked = trace_.resetUnchecked && error != 0;  // a look that failed has seen nothing
      break;
    case kStateWrite:
      trace_.writeFailed = error != 0;
      trace_.ndmaStopRefused =
          error != 0 && seen.state == (kStateNdma | kStateRunning) && seen.target() == kStateNdma;
      trace_.pendingSeen = trace_.committed = trace_.sizeSeen = trace_.placeSeen = false;
      trace_.faulted = false;
      break;
    case kReset:
      if (error == 0) {
        const bool stateSeen = trace_.stateSeen;
        const bool lookedUp = trace_.lookedUp;
        trace_ = Trace{};
        trace_.stateSeen = stateSeen;
        trace_.lookedUp = lookedUp;
        trace_.resetUnchecked = true;
      }
      break;
    case kPendingRead:
      trace_.committed = trace_.sizeSeen = false;
      trace_.pendingSeen = error == 0 && result != 0;
      break;
    case kOffsetRead:
      if ((seen.state & vfio::kStateResuming) != 0) {
        trace_.placeSeen = error == 0;
        trace_.place = result;
        trace_.stored.clear();
      } else if (!trace_.committed && error == 0) {
        trace_.committed = true;
        trace_.sizeSeen = trace_.pendingSeen = false;
        trace_.offset = result;
        trace_.collected.clear();
      }
      break;
    case kSizeRead:
      trace_.sizeSeen = error == 0 && trace_.committed;
      trace_.size = result;
      break;
    case kSizeWrite:
      trace_.placeSeen = false;
      break;
    case kDataRead:
      trace_.collected.add(seen.offset, error == 0 ? seen.length : 0);
      break;
    case kDataWrite:
      trace_.stored.add(seen.offset, error == 0 ? seen.length : 0);
      break;
    default:
      break;
  }
  if ((seen.action & kDataFields) != 0) {
    trace_.faulted = error != 0;
  }
  if (protocol_ == Protocol::kV2) {
    noteV2(seen, error, result);
  }
}

void Monitor::noteLost() {
  const bool lookedUp = trace_.lookedUp;
  trace_ = Trace{};
  trace_.lookedUp = lookedUp;
}

void Monitor::noteV2(const Observation& seen, int error, std::uint64_t result) {
  const bool stopCopy = seen.state == vfio::kStateSaving;
  switch (seen.action) {
    case kStateRead:
      trace_.sessionGone = trace_.sessionGone && error != 0;
      break;
    case kStateWrite:
      trace_.sessionGone = trace_.messageAtEnd = false;
      if (error == 0 && seen.clears(kStateRunning)) {
        trace_.reportedSince = false;
      }
      if (error == 0 && (seen.target() & vfio::kStateSaving) == 0) {
        trace_.infoSeen = false;
      }
      if (error == 0 && (seen.sets(vfio::kStateSaving) || seen.sets(kStateRunning))) {
        trace_.streamEnded = false;
      }
      break;
    case kDataRead:
      trace_.messageAtEnd = trace_.messageAtEnd || (error == ENOMSG && stopCopy);
      trace_.streamEnded = trace_.streamEnded || (error == 0 && result == 0 && stopCopy);
      [[fallthrough]];
    case kDataWrite:
      trace_.sessionGone = error == ENODEV;
      break;
    case kInfoRead:
      trace_.infoSeen = trace_.infoSeen || error == 0;
      break;
    case kLogStart:
      trace_.reportFailed = trace_.reportedSince = false;
      break;
    case kLogReport:
      trace_.reportFailed = error != 0;
      trace_.reportedSince = true;
      break;
    default:
      break;
  }
}

}  // namespace transship::emulator

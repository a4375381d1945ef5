// The data registers: pending_bytes, data_offset, data_size.
#include <cerrno>

#include "common/mutant.hh"
#include "region_v1.hh"

namespace transship::emulator {
namespace {

// What a register reads as where the specification leaves its value undefined: nothing to rely on.
constexpr std::uint64_t kUndefined = 0xDEADBEEFDEADBEEFull;

}  // namespace

// Reading pending_bytes acknowledges the committed segment, whether it was collected or not (L388).
std::uint64_t RegionV1::pendingBytes() {
  SaveStream* const save = core_.save();
  if (!core_.saving() && !(save != nullptr && TRANSSHIP_MUTANT("D-13"))) {
    return kUndefined;
  }
  if (!TRANSSHIP_MUTANT("D-23")) {
    if (!committed_ && save->made() > 0 && TRANSSHIP_MUTANT("D-20")) {
      save->next(core_.running());
    }
    committed_.reset();
  }
  const std::uint64_t pending = core_.pending();
  zeroSeen_ = zeroSeen_ || (pending == 0 && core_.running());
  if (TRANSSHIP_MUTANT("D-24") && zeroSeen_) {
    return 0;
  }
  if (TRANSSHIP_MUTANT("D-06") && core_.running() && pending > 0) {
    core_.walk(core_.state() & ~vfio::kStateRunning);
    update();
  }
  return pending;
}

int RegionV1::nextSegment(std::uint64_t& offset) {
  Window& window = core_.window();
  if (core_.resuming()) {
    place_ = window.nextPlace(core_.options().segmentBytes);
    offset = *place_;
    return 0;
  }
  if (!core_.saving()) {
    offset = kUndefined;
    return 0;
  }
  if (!committed_ || TRANSSHIP_MUTANT("D-21")) {
    if (core_.pending() > 0 && core_.faults().take(FaultKind::kZeroSize)) {
      committed_ = SaveStream::Place{window.nextPlace(core_.options().segmentBytes), 0};
    } else {
      committed_ = core_.makeSegment();
    }
    if (!committed_) {
      return ENODATA;
    }
  }
  offset = committed_->offset;
  if (const auto lie =
          core_.faults().take(FaultKind::kLie, [](const Fault& one) { return one.dataOffset.has_value(); })) {
    offset = *lie->dataOffset;
  }
  return 0;
}

std::uint64_t RegionV1::segmentSize() {
  if (!core_.saving()) {
    return kUndefined;
  }
  if (const auto lie =
          core_.faults().take(FaultKind::kLie, [](const Fault& one) { return one.dataSize.has_value(); })) {
    return *lie->dataSize;
  }
  return committed_ ? committed_->size : 0;
}

// The user says how much of a segment it has written; the device takes it in at once.
int RegionV1::takeSegment(std::uint64_t size) {
  if (!core_.resuming() || !place_ || !core_.window().contains(*place_, size)) {
    return EINVAL;
  }
  const std::uint64_t place = *place_;
  place_.reset();
  return core_.takeSegment(place, size);
}

}  // namespace transship::emulator

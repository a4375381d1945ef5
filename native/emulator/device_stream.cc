// The data registers: pending_bytes, data_offset, data_size.
#include <cerrno>

#include "bytes.hh"
#include "common/mutant.hh"
#include "device.hh"

namespace transship::emulator {
namespace {

// What a register reads as where the specification leaves its value undefined: nothing to rely on.
constexpr std::uint64_t kUndefined = 0xDEADBEEFDEADBEEFull;

}  // namespace

Identity Device::identity() const {
  Identity identity;
  identity.vendor = options_.ids.vendor;
  identity.device = options_.ids.device;
  identity.revision = options_.ids.revision;
  identity.attached = fabric_.attached(index_) ? 1 : 0;
  identity.memoryBytes = memory_.size();
  const Attachment attachment = fabric_.snapshot(index_);
  identity.set = attachment.set;
  identity.slot = attachment.slot;
  return identity;
}

std::vector<std::byte> Device::finalState() {
  ByteWriter writer;
  writer.put(FinalRegisters{scratch_});
  writer.put(std::span<const std::byte>(fabric_.snapshot(index_).encode()));
  return writer.bytes();
}

std::uint64_t Device::pendingNow() { return truncated_ || !save_ ? 0 : save_->pending(running()); }

// Reading pending_bytes acknowledges the committed segment, whether it was collected or not (L388).
std::uint64_t Device::pendingBytes() {
  if (!saving() && !(save_ && TRANSSHIP_MUTANT("D-13"))) {
    return kUndefined;
  }
  if (!TRANSSHIP_MUTANT("D-23")) {
    if (!committed_ && save_->made() > 0 && TRANSSHIP_MUTANT("D-20")) {
      save_->next(running());
    }
    committed_.reset();
  }
  const std::uint64_t pending = pendingNow();
  zeroSeen_ = zeroSeen_ || (pending == 0 && running());
  if (TRANSSHIP_MUTANT("D-24") && zeroSeen_) {
    return 0;
  }
  if (TRANSSHIP_MUTANT("D-06") && running() && pending > 0) {
    walk(state_ & ~vfio::kStateRunning);
    show();
  }
  return pending;
}

int Device::nextSegment(std::uint64_t& offset) {
  if (resuming()) {
    place_ = window_.nextPlace(options_.segmentBytes);
    offset = *place_;
    return 0;
  }
  if (!saving()) {
    offset = kUndefined;
    return 0;
  }
  if (!committed_ || TRANSSHIP_MUTANT("D-21")) {
    const auto at = [this](const Fault& fault) { return !fault.segment || *fault.segment == save_->made(); };
    if (faults_.take(FaultKind::kDie, [&](const Fault& fault) { return !fault.onArc && at(fault); })) {
      host_.die();
    }
    if (pendingNow() > 0 && faults_.take(FaultKind::kZeroSize)) {
      committed_ = SaveStream::Place{window_.nextPlace(options_.segmentBytes), 0};
    } else {
      // The first segment only introduces the device; a fault that names none means contents.
      const bool corrupt =
          faults_
              .take(FaultKind::kCorruptStream,
                    [this](const Fault& fault) { return fault.segment.value_or(1) == save_->made(); })
              .has_value();
      committed_ = save_->next(running());
      if (!committed_) {
        return ENODATA;
      }
      ++segmentsSaved_;
      if (corrupt) {
        *window_.at(committed_->offset + committed_->size - 1) ^= std::byte{0x40};
      }
      truncated_ = faults_
                       .take(FaultKind::kTruncateStream,
                             [this](const Fault& fault) { return save_->made() >= *fault.segment; })
                       .has_value();
    }
  }
  offset = committed_->offset;
  if (const auto lie =
          faults_.take(FaultKind::kLie, [](const Fault& one) { return one.dataOffset.has_value(); })) {
    offset = *lie->dataOffset;
  }
  return 0;
}

std::uint64_t Device::segmentSize() {
  if (!saving()) {
    return kUndefined;
  }
  if (const auto lie =
          faults_.take(FaultKind::kLie, [](const Fault& one) { return one.dataSize.has_value(); })) {
    return *lie->dataSize;
  }
  return committed_ ? committed_->size : 0;
}

// The user says how much of a segment it has written; the device takes it in at once.
int Device::takeSegment(std::uint64_t size) {
  if (!resuming() || !place_ || !window_.contains(*place_, size)) {
    return EINVAL;
  }
  const Verdict verdict = load_->take(*place_, size);
  place_.reset();
  ++segmentsLoaded_;
  Observation seen = observe(kSegmentJudged, 0, size);
  seen.verdict = verdict;
  monitor_.judge(seen);
  if (const auto& identity = load_->identity(); identity && identity->attached != 0 && load_->taken() == 1) {
    fabric_.announce(index_, identity->set, identity->slot);
  }
  return verdict == Verdict::kGood || options_.gullible ? 0 : EINVAL;
}

}  // namespace transship::emulator

// A device's migration data: making it, taking it, summing it up.
#include <cerrno>

#include "bytes.hh"
#include "common/mutant.hh"
#include "device_core.hh"
#include "random.hh"

namespace transship::emulator {

Identity DeviceCore::identity() const {
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

std::vector<std::byte> DeviceCore::finalState() const {
  ByteWriter writer;
  writer.put(FinalRegisters{scratch_});
  writer.put(std::span<const std::byte>(fabric_.snapshot(index_).encode()));
  return writer.bytes();
}

std::uint64_t DeviceCore::pending() const { return truncated_ || !save_ ? 0 : save_->pending(running()); }

std::uint64_t DeviceCore::wholeSize() const {
  return 2 * sizeof(SegmentHeader) + sizeof(Identity) + finalState().size() + memory_.size();
}

std::optional<SaveStream::Place> DeviceCore::makeSegment() {
  const std::uint64_t index = save_->made();
  const auto at = [index](const Fault& fault) { return !fault.segment || *fault.segment == index; };
  if (faults_.take(FaultKind::kDie, [&](const Fault& fault) { return !fault.onArc && at(fault); })) {
    host_.die();
  }
  // The first segment only introduces the device; a fault that names none means contents.
  const bool corrupt = faults_
                           .take(FaultKind::kCorruptStream,
                                 [index](const Fault& fault) { return fault.segment.value_or(1) == index; })
                           .has_value();
  const auto place = truncated_ ? std::nullopt : save_->next(running());
  if (!place) {
    return std::nullopt;
  }
  ++segmentsSaved_;
  if (index == 0 && faults_.take(FaultKind::kForeignStream,
                                 [](const Fault& fault) { return fault.field == StreamField::kMagic; })) {
    *window_.at(place->offset) ^= std::byte{0x20};
  }
  if (corrupt) {
    *window_.at(place->offset + place->size - 1) ^= std::byte{0x40};
  }
  truncated_ =
      faults_
          .take(FaultKind::kTruncateStream,
                [this](const Fault& fault) { return fault.segment && save_->made() >= *fault.segment; })
          .has_value();
  return place;
}

int DeviceCore::takeSegment(std::uint64_t offset, std::uint64_t size, Verdict* verdict) {
  const Verdict found = load_->take(offset, size);
  ++segmentsLoaded_;
  Observation seen = observe(kSegmentJudged, 0, size);
  seen.verdict = found;
  monitor_.judge(seen);
  if (const auto& told = load_->identity(); told && told->attached != 0 && load_->taken() == 1) {
    fabric_.announce(index_, told->set, told->slot);
  }
  if (verdict != nullptr) {
    *verdict = found;
  }
  return found == Verdict::kGood || options_.checks != Checks::kEarly ? 0 : EINVAL;
}

DeviceCore::Digests DeviceCore::digests() {
  Digests digests;
  digests.memory = memory_.digest();
  const Digest own = digestOf(finalState());
  digests.all = {mix(digests.memory.high, own.high), mix(digests.memory.low, own.low)};
  return digests;
}

}  // namespace transship::emulator

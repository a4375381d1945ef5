// The data stream of a v2 session: saved segments back to back, and the way back from bytes to segments.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "features_v2.hh"

namespace transship::emulator {

std::uint64_t FeaturesV2::unread() const { return current_ ? current_->size - position_ : 0; }

ReadResult FeaturesV2::readData(std::uint32_t count) {
  const Observation seen = core_.observe(kDataRead, 0, count);
  core_.monitor().judge(seen);
  const auto fault =
      core_.faults().take(FaultKind::kReadFault, [](const Fault& one) { return one.reg == Register::kData; });
  int error = 0;
  std::size_t length = 0;
  if (fault) {
    error = fault->error;
  } else if (!core_.saving()) {
    error = core_.resuming() ? EINVAL : ENODEV;
  } else {
    if (count > 1 && core_.faults().take(FaultKind::kShortRead)) {
      count /= 2;
    }
    out_.resize(count);
    length = fill(out_);
    const bool silent = core_.options().temporaryEnd == TemporaryEnd::kZeroBytes;
    error = length == 0 && count > 0 && core_.running() && !silent ? ENOMSG : 0;
  }
  core_.monitor().note(seen, error, length);
  return {error, std::span(out_).first(error == 0 ? length : 0)};
}

std::size_t FeaturesV2::fill(std::span<std::byte> to) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    if (unread() == 0) {
      current_ = core_.makeSegment();
      position_ = 0;
      if (!current_) {
        break;
      }
    }
    const std::size_t piece = std::min<std::uint64_t>(to.size() - filled, unread());
    std::memcpy(&to[filled], core_.window().at(current_->offset + position_), piece);
    position_ += piece;
    filled += piece;
  }
  return filled;
}

int FeaturesV2::writeData(std::span<const std::byte> data) {
  Observation seen = core_.observe(kDataWrite, 0, data.size());
  seen.busMaster = core_.config().busMaster();
  core_.monitor().judge(seen);
  const auto fault = core_.faults().take(FaultKind::kWriteFault,
                                         [](const Fault& one) { return one.reg == Register::kData; });
  int error = 0;
  if (fault) {
    error = fault->error;
  } else if (!core_.resuming()) {
    error = core_.saving() ? EINVAL : ENODEV;
  } else {
    error = takeBytes(data);
  }
  core_.monitor().note(seen, error);
  return error;
}

// Whether a load that is left now is broken off rather than complete or cut short at its source.
bool FeaturesV2::loadPartial() const {
  const LoadStream* const load = core_.load();
  return load != nullptr && !lost_ && (have_ > 0 || load->taken() == 0);
}

// No way back into step: the load is spoilt, and nothing that follows is looked at.
int FeaturesV2::lose(int error) {
  core_.load()->spoil();
  lost_ = true;
  return core_.options().checks == Checks::kEarly ? error : 0;
}

int FeaturesV2::takeBytes(std::span<const std::byte> data) {
  Window& window = core_.window();
  if (have_ == 0 && core_.load()->complete() && !data.empty()) {
    // More than a device's state: refused where that is noticed at once, and then what came before counts.
    return core_.options().checks == Checks::kEarly ? ENOMEM : lose(ENOMEM);
  }
  while (!data.empty()) {
    if (lost_) {
      return core_.options().checks == Checks::kEarly ? EINVAL : 0;
    }
    const std::uint64_t goal = have_ < sizeof(SegmentHeader) ? sizeof(SegmentHeader) : want_;
    const std::size_t piece = std::min<std::uint64_t>(goal - have_, data.size());
    std::memcpy(window.at(Window::kDataStart + have_), data.data(), piece);
    have_ += piece;
    data = data.subspan(piece);
    if (have_ == sizeof(SegmentHeader)) {
      if (const int error = takeHeader(); error != 0 || lost_) {
        return error;
      }
    }
    if (have_ >= sizeof(SegmentHeader) && have_ == want_) {
      have_ = 0;
      if (const int error = core_.takeSegment(Window::kDataStart, want_); error != 0) {
        return lose(error);
      }
    }
  }
  return 0;
}

// Learns from a record's header how long the record is.
int FeaturesV2::takeHeader() {
  SegmentHeader header;
  std::memcpy(&header, core_.window().at(Window::kDataStart), sizeof(header));
  if (header.magic != kSegmentMagic) {
    return lose(EFAULT);
  }
  if (header.size < sizeof(header) || !core_.window().contains(Window::kDataStart, header.size)) {
    return lose(ENOMEM);
  }
  want_ = header.size;
  return 0;
}

int FeaturesV2::precopyInfo(bool wellFormed, PrecopyEstimate& estimate) {
  Observation seen = core_.observe(kInfoRead);
  seen.wellFormed = wellFormed;
  core_.monitor().judge(seen);
  int error = 0;
  if (core_.options().precopyReport == PrecopyReport::kNone) {
    error = ENOTTY;
  } else if (!wellFormed || !core_.saving() || !core_.running()) {
    error = EINVAL;
  } else {
    SaveStream& save = *core_.save();
    estimate.optedIn = optedIn_;
    if (core_.faults().take(FaultKind::kReinit)) {
      save.reinit(optedIn_);
      estimate.reinit = optedIn_;
    }
    const std::uint64_t all = core_.pending();
    estimate.initialBytes = std::min(save.initial(), all);
    estimate.dirtyBytes = all - estimate.initialBytes;
    (estimate.initialBytes > 0 ? estimate.initialBytes : estimate.dirtyBytes) += unread();
  }
  core_.monitor().note(seen, error);
  return error;
}

int FeaturesV2::optIn() {
  const Observation seen = core_.observe(kOptIn);
  core_.monitor().judge(seen);
  optedIn_ = true;
  return 0;
}

std::uint64_t FeaturesV2::dataSize() {
  return (core_.saving() ? core_.save()->pending(false) : core_.wholeSize()) + unread();
}

}  // namespace transship::emulator

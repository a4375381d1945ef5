#include "migration/region_v1.hh"

#include <string>

#include "common/mutant.hh"
#include "migration/arc_v1.hh"
#include "migration/config_space.hh"
#include "migration/locate_region.hh"
#include "migration/registers_v1.hh"

namespace transship::migration {

RegionV1::RegionV1(std::unique_ptr<vfio::Device> device, const vfio::RegionFacts& region,
                   std::unique_ptr<vfio::RegionMapping> mapping)
    : device_(std::move(device)),
      dmaLog_(*device_),
      region_(region.index),
      window_(*device_, region, std::move(mapping)),
      state_(*device_, region.index) {
  info_.p2p = region.migrationNdma || TRANSSHIP_MUTANT("V1-24");
  info_.preCopy = true;  // every v1 device has it, if only to say that it has no data yet (RFC L119-124)
  info_.resetSupported = device_->facts().resetSupported || TRANSSHIP_MUTANT("V1-12");
  info_.regionSize = region.size;
  info_.dataWindowSize = region.size - sizeof(vfio::MigrationInfo);
  info_.mmapAreas = window_.mappedAreas();
}

Result<std::unique_ptr<Session>> RegionV1::open(std::unique_ptr<vfio::Device> device, bool useMapping) {
  auto region = locateMigrationRegion(*device);
  if (!region) {
    return std::move(region.error());
  }
  auto mapping = useMapping ? device->map(*region) : nullptr;
  std::unique_ptr<RegionV1> session{new RegionV1{std::move(device), *region, std::move(mapping)}};
  if (Status read = readIdentity(*session->device_, session->info_); !read) {
    return std::move(read.error());
  }
  if (TRANSSHIP_MUTANT("V1-34")) {
    auto reserved = readRegister32(*session->device_, session->region_, kReserved);
    if (reserved && *reserved != 0) {
      return Error{.code = ErrorCode::kNotMigratable, .message = "the reserved field is not zero"};
    }
  }
  auto dmaLogging = DmaLog::offered(*session->device_);
  if (!dmaLogging) {
    return std::move(dmaLogging.error());
  }
  session->info_.dmaLogging = *dmaLogging;
  if (Status adopted = session->state_.adopt(); !adopted) {
    return std::move(adopted.error());
  }
  session->follow(DeviceState::kRunning);
  if (session->saving_) {
    session->saving_->fail();
  }
  if (session->resuming_) {
    session->resuming_->fail();
  }
  return Result<std::unique_ptr<Session>>{std::move(session)};
}

Result<DeviceState> RegionV1::state() {
  if (TRANSSHIP_MUTANT("V1-03") && saving_) {
    return Error{.code = ErrorCode::kSegmentOpen, .message = "no diagnostics while saving"};
  }
  return state_.read();
}

// Makes the streams fit the state that is known now: one begins when its bit is set, ends when it is cleared
// (V1-18), and is another one when the bit is set again (V1-19).
void RegionV1::follow(DeviceState before) {
  const auto now = state_.known();
  const bool saving = now && isSaving(*now);
  if (saving && TRANSSHIP_MUTANT("V1-20") && before == DeviceState::kPreCopyP2p) {
    saving_.reset();
  }
  if (!saving && !TRANSSHIP_MUTANT("V1-18") && !TRANSSHIP_MUTANT("V1-19")) {
    saving_.reset();
  }
  if (saving && (!saving_ || (!isSaving(before) && !TRANSSHIP_MUTANT("V1-19")))) {
    saving_.emplace(*device_, region_, window_);
  }
  if (now != DeviceState::kResuming) {
    resuming_.reset();
  } else if (!resuming_) {
    resuming_.emplace(*device_, region_, window_);
  }
}

Status RegionV1::prepareToLeave(DeviceState to) {
  if (resuming_ && resuming_->failed() && !TRANSSHIP_MUTANT("V1-54")) {
    return resumingFailed();
  }
  if (resuming_ && resuming_->segmentOpen() && !TRANSSHIP_MUTANT("V1-23")) {
    return Error{.code = ErrorCode::kSegmentOpen,
                 .message = "a segment was begun and not committed; the loaded data is incomplete"};
  }
  if (!saving_) {
    return Done{};
  }
  if (TRANSSHIP_MUTANT("V1-39") && to == DeviceState::kStopCopy) {
    auto pending = saving_->pending();
    if (pending && *pending != 0) {
      return Error{.code = ErrorCode::kSegmentOpen, .message = "waits for pre-copy to have nothing left"};
    }
  }
  return saving_->collectRemainder();
}

Status RegionV1::walk(std::uint32_t current, DeviceState to) {
  auto plan = planArc(current, to, info_.p2p);
  if (!plan) {
    return std::move(plan.error());
  }
  if (plan->count == 0) {
    return Done{};
  }
  if (Status ready = prepareToLeave(to); !ready) {
    return ready;
  }
  for (std::size_t i = 0; i < plan->count; ++i) {
    if (i > 0) {  // read-modify-write for each write
      auto next = state_.verify();
      if (!next) {
        return std::move(next.error());
      }
      current = *next;
    }
    Status written = state_.write(current, plan->nibbles[i]);
    const bool unchanged = !written && written.error().code == ErrorCode::kArcRefused;
    if (unchanged && i == 0 && plan->directFallback) {
      return state_.write(current, plan->nibbles[plan->count - 1u]);
    }
    if (!written) {
      return written;
    }
  }
  return Done{};
}

Status RegionV1::arc(DeviceState to) {
  auto current = state_.verify();
  if (!current) {
    follow(DeviceState::kError);
    return std::move(current.error());
  }
  const auto before = stateOfRegister(*current);
  Status walked = walk(*current, to);
  follow(before.value_or(DeviceState::kError));
  if (TRANSSHIP_MUTANT("V1-48") && !saving_ && !resuming_) {
    [[maybe_unused]] auto undefined = readRegister64(*device_, region_, kDataSize);
  }
  if (!walked && before == DeviceState::kResuming) {
    const auto code = walked.error().code;
    if (code == ErrorCode::kArcRefused || code == ErrorCode::kDeviceError) {
      // The device found the data incomplete or inconsistent (V1-22): only a reset and a new load help.
      if (TRANSSHIP_MUTANT("V1-22")) {
        return Done{};
      }
      if (resuming_) {
        resuming_->fail();
      }
      walked.error().code = ErrorCode::kLoadRejected;
      walked.error().message = "the device rejected the loaded data; reset it and load anew";
    }
  }
  return walked;
}

Status RegionV1::reset() {
  if (TRANSSHIP_MUTANT("V1-13") && (saving_ || resuming_)) {
    return Error{.code = ErrorCode::kResetFailed, .message = "no reset while a stream is open"};
  }
  if (!device_->facts().resetSupported) {
    return Error{.code = ErrorCode::kResetUnsupported,
                 .message = "the device does not support VFIO_DEVICE_RESET, so it cannot be migrated"};
  }
  saving_.reset();
  resuming_.reset();
  if (Status done = device_->reset(); !done) {
    if (done.error().code == ErrorCode::kAccessFailed) {
      done.error().code = ErrorCode::kResetFailed;
      done.error().message = "it must not be handed out: " + done.error().message;
      return state_.giveUp(std::move(done.error()));
    }
    return done;
  }
  return state_.verifyReset();
}

Error RegionV1::noStream(ErrorCode code, const char* message) const {
  if (state_.doubt()) {
    return *state_.doubt();
  }
  const auto known = state_.known();
  const bool inError = known == DeviceState::kError;
  return {.code = inError ? ErrorCode::kDeviceError : code,
          .message = inError ? "the device is in its error state; only a reset leaves it" : message,
          .state = known ? stateName(*known) : nullptr};
}

std::optional<Error> RegionV1::notSaving() const {
  const bool saving = state_.known() && isSaving(*state_.known());
  if (saving_ && (saving || TRANSSHIP_MUTANT("V1-18"))) {
    return std::nullopt;
  }
  return noStream(ErrorCode::kNotSaving, "the device has no saving stream in this state");
}

std::optional<Error> RegionV1::notResuming() const {
  if (resuming_) {
    return std::nullopt;
  }
  return noStream(ErrorCode::kNotResuming, "the device takes no data in this state");
}

Result<NextSegment> RegionV1::nextSegment() {
  if (auto refused = notSaving()) {
    return *refused;
  }
  const auto known = state_.known();
  auto next = saving_->next(known && isRunning(*known));
  if (next && next->ended) {
    // Zero pending bytes also come from a device that somebody reset meanwhile: the end must be that of the
    // state in which the stream was asked for (V1-07).
    if (auto verified = state_.verify(); !verified) {
      follow(DeviceState::kError);
      return std::move(verified.error());
    }
  }
  return next;
}

Result<Piece> RegionV1::readSegment(std::span<std::byte> into) {
  if (auto refused = notSaving()) {
    return *refused;
  }
  return saving_->read(into);
}

Result<std::uint64_t> RegionV1::pendingBytes() {
  if (auto refused = notSaving(); refused && !TRANSSHIP_MUTANT("V1-40")) {
    return *refused;
  }
  return saving_ ? saving_->pending() : readRegister64(*device_, region_, kPendingBytes);
}

Status RegionV1::beginSegment(std::uint64_t size) {
  if (auto refused = notResuming()) {
    return *refused;
  }
  return resuming_->begin(size);
}

Status RegionV1::writeSegment(std::span<const std::byte> data) {
  if (auto refused = notResuming()) {
    return *refused;
  }
  return resuming_->write(data);
}

Status RegionV1::commitSegment() {
  if (auto refused = notResuming()) {
    return *refused;
  }
  return resuming_->commit();
}

Result<std::optional<std::uint64_t>> RegionV1::stopCopySize() { return std::optional<std::uint64_t>{}; }

Result<std::optional<vfio::PrecopyInfo>> RegionV1::precopyInfo() {
  return std::optional<vfio::PrecopyInfo>{};
}

Result<std::uint64_t> RegionV1::startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                                std::uint64_t pageSize) {
  return dmaLog_.start(ranges, pageSize);
}

Result<std::vector<std::byte>> RegionV1::reportDmaLogging(vfio::IovaRange range) {
  return dmaLog_.report(range);
}

Status RegionV1::stopDmaLogging() { return dmaLog_.stop(); }

Status RegionV1::readConfig(std::uint64_t offset, std::span<std::byte> into) {
  const auto known = state_.known();
  if (TRANSSHIP_MUTANT("V1-16") && known && !isRunning(*known)) {
    return Error{.code = ErrorCode::kInvalidArgument, .message = "no configuration access while stopped"};
  }
  return readConfigSpace(*device_, offset, into);
}

Status RegionV1::writeConfig(std::uint64_t offset, std::span<const std::byte> from) {
  return writeConfigSpace(*device_, offset, from);
}

Status RegionV1::regionRead(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) {
  return device_->read(region, offset, into);
}

Status RegionV1::regionWrite(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) {
  return device_->write(region, offset, from);
}

}  // namespace transship::migration

#include "migration/v2_session.hh"

#include <algorithm>
#include <string>

#include "common/mutant.hh"
#include "migration/config_space.hh"
#include "migration/resuming_sink.hh"
#include "migration/v2_arc.hh"
#include "migration/v2_facts.hh"
#include "migration/v2_transfer.hh"

namespace transship::migration {

SessionV2::SessionV2(std::unique_ptr<vfio::Device> device, std::uint64_t flags)
    : device_(std::move(device)), dmaLog_(*device_), flags_(flags), state_(*device_) {
  info_.protocol = Protocol::kV2;
  info_.migrationFlags = static_cast<std::uint32_t>(flags);
  info_.p2p = (flags & vfio::kMigrationP2p) != 0 || TRANSSHIP_MUTANT("V2-22");
  info_.preCopy = (flags & vfio::kMigrationPreCopy) != 0;
  info_.resetSupported = device_->facts().resetSupported;
  info_.dataWindowSize = kStreamSegment;
}

Result<std::unique_ptr<Session>> SessionV2::open(std::unique_ptr<vfio::Device> device, std::uint64_t flags) {
  std::unique_ptr<SessionV2> session{new SessionV2{std::move(device), flags}};
  if (Status read = readIdentity(*session->device_, session->info_); !read) {
    return std::move(read.error());
  }
  auto dmaLogging = DmaLog::offered(*session->device_);
  if (!dmaLogging) {
    return std::move(dmaLogging.error());
  }
  session->info_.dmaLogging = *dmaLogging;
  if (Status adopted = session->state_.adopt(); !adopted) {
    return std::move(adopted.error());
  }
  return Result<std::unique_ptr<Session>>{std::move(session)};
}

// A stream ends where its group of states is left (V2-07), and what comes later belongs to another (V2-11).
void SessionV2::closeEndedStreams(DeviceState before) {
  const auto now = state_.known();
  const bool reopened = TRANSSHIP_MUTANT("V2-08") && now == DeviceState::kStopCopy && before != *now;
  if ((!now || !isSaving(*now) || reopened) && !TRANSSHIP_MUTANT("V2-07") && !TRANSSHIP_MUTANT("V2-11")) {
    saving_.reset();
  }
  if (now != DeviceState::kResuming) {
    resuming_.reset();
  }
}

std::optional<Error> SessionV2::notReadyToLeave() const {
  const bool resuming = state_.known() == DeviceState::kResuming;
  if (resuming && (!resuming_ || resuming_->failed()) && !TRANSSHIP_MUTANT("V2-25")) {
    return resumingFailed();
  }
  if (resuming_ && resuming_->segmentOpen()) {
    return Error{.code = ErrorCode::kSegmentOpen,
                 .message = "a segment was begun and not committed; the loaded data is incomplete"};
  }
  return std::nullopt;
}

Status SessionV2::enter(DeviceState from, DeviceState to) {
  const auto plan = planArcV2(from, to, flags_);
  if (!plan) {
    return plan.error();
  }
  if (plan->none) {
    return Done{};
  }
  if (auto refused = notReadyToLeave()) {
    return std::move(*refused);
  }
  if (plan->opensStream && isRunning(to)) {
    auto chosen = chooseReinitReports(*device_);
    if (!chosen) {
      return std::move(chosen.error());
    }
    reinitReported_ = *chosen;
  }
  auto data = state_.request(to, plan->opensStream);
  closeEndedStreams(from);
  if (!data) {
    return std::move(data.error());
  }
  if (*data && isSaving(to) && !(saving_ && TRANSSHIP_MUTANT("V2-11"))) {
    saving_.emplace(std::move(*data));
  } else if (*data && to == DeviceState::kResuming) {
    resuming_.emplace(std::move(*data));
  }
  return Done{};
}

Status SessionV2::arc(DeviceState to) {
  auto current = state_.verify();
  if (!current) {
    closeEndedStreams(DeviceState::kError);
    return std::move(current.error());
  }
  Status entered = enter(*current, to);
  if (!entered && *current == DeviceState::kResuming) {
    const auto code = entered.error().code;
    if (code == ErrorCode::kArcRefused || code == ErrorCode::kDeviceError) {
      return loadRejected(std::move(entered.error()));
    }
  }
  return entered;
}

// Wherever the device says that it is: what it holds must never run (V2-24).
Error SessionV2::loadRejected(Error error) {
  if (TRANSSHIP_MUTANT("V2-24")) {
    return error;
  }
  if (resuming_) {
    resuming_->fail();
  }
  if (error.code == ErrorCode::kArcRefused) {
    state_.giveUp(resumingFailed());
  }
  error.code = ErrorCode::kLoadRejected;
  error.message = "the device rejected the loaded data; reset it and load anew";
  return error;
}

Status SessionV2::reset() {
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

Error SessionV2::noStream(ErrorCode code, const char* message) const {
  if (state_.doubt()) {
    return *state_.doubt();
  }
  const auto known = state_.known();
  const bool inError = known == DeviceState::kError;
  return {.code = inError ? ErrorCode::kDeviceError : code,
          .message = inError ? "the device is in its error state; only a reset leaves it" : message,
          .state = known ? stateName(*known) : nullptr};
}

std::optional<Error> SessionV2::notSaving() const {
  const bool saving = state_.known() && isSaving(*state_.known());
  if (saving && !saving_) {
    return Error{.code = ErrorCode::kSessionFailed,
                 .message = "another client began this saving stream; begin a new one"};
  }
  if (saving_ && (saving || TRANSSHIP_MUTANT("V2-07"))) {
    return std::nullopt;
  }
  return noStream(ErrorCode::kNotSaving, "the device has no saving stream in this state");
}

std::optional<Error> SessionV2::notResuming() const {
  if (resuming_) {
    return std::nullopt;
  }
  if (state_.known() == DeviceState::kResuming) {
    return resumingFailed();
  }
  return noStream(ErrorCode::kNotResuming, "the device takes no data in this state");
}

Result<NextSegment> SessionV2::nextSegment() {
  if (auto refused = notSaving()) {
    return std::move(*refused);
  }
  const auto known = state_.known();
  auto next = saving_->next(known && isRunning(*known));
  if (!next) {
    Error why = state_.explain(std::move(next.error()));
    closeEndedStreams(DeviceState::kError);
    return why;
  }
  if (next->ended) {
    // Nothing is also what comes of a device that somebody reset meanwhile: the end must be that of the state
    // in which the stream was asked for.
    if (auto verified = state_.verify(); !verified) {
      closeEndedStreams(DeviceState::kError);
      return std::move(verified.error());
    }
  }
  return next;
}

Result<Piece> SessionV2::readSegment(std::span<std::byte> into) {
  if (auto refused = notSaving()) {
    return std::move(*refused);
  }
  return saving_->read(into);
}

Result<std::uint64_t> SessionV2::pendingBytes() {
  if (auto refused = notSaving()) {
    return std::move(*refused);
  }
  const auto known = state_.known();
  if (known && isRunning(*known)) {
    auto info = precopyInfo();
    if (!info) {
      return std::move(info.error());
    }
    return *info ? (*info)->initialBytes + (*info)->dirtyBytes : std::uint64_t{0};
  }
  auto size = stopCopySize();
  if (!size) {
    return std::move(size.error());
  }
  if (!*size || TRANSSHIP_MUTANT("V2-18")) {
    return std::uint64_t{0};
  }
  return **size - std::min(**size, saving_->stopCopyBytes());
}

Status SessionV2::beginSegment(std::uint64_t size) {
  if (auto refused = notResuming()) {
    return std::move(*refused);
  }
  return resuming_->begin(size);
}

Status SessionV2::writeSegment(std::span<const std::byte> data) {
  if (auto refused = notResuming()) {
    return std::move(*refused);
  }
  return resuming_->write(data);
}

Status SessionV2::commitSegment() {
  if (auto refused = notResuming()) {
    return std::move(*refused);
  }
  Status committed = resuming_->commit();
  if (!committed && resuming_->failed()) {
    Error why = state_.explain(std::move(committed.error()));
    closeEndedStreams(DeviceState::kError);
    return why;
  }
  return committed;
}

Result<std::optional<vfio::PrecopyInfo>> SessionV2::precopyInfo() {
  if (auto refused = notSaving()) {
    return std::move(*refused);
  }
  if (!isRunning(*state_.known()) && !TRANSSHIP_MUTANT("V2-16")) {
    return Error{.code = ErrorCode::kNotSaving,
                 .message = "pre-copy info exists in pre-copy only",
                 .state = stateName(*state_.known())};
  }
  auto info = saving_->precopyInfo();
  if (!info) {
    return state_.explain(std::move(info.error()));
  }
  if (*info && !reinitReported_ && !TRANSSHIP_MUTANT("V2-20")) {
    (*info)->reinit = false;
  }
  return info;
}

}  // namespace transship::migration

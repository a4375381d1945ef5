// The state machine: device_state writes.
#include <cerrno>
#include <thread>

#include "common/mutant.hh"
#include "device.hh"
#include "random.hh"
#include "state_value.hh"

namespace transship::emulator {
namespace {

using std::chrono::milliseconds;
using vfio::kStateError;
using vfio::kStateMask;
using vfio::kStateNdma;
using vfio::kStateResuming;
using vfio::kStateRunning;
using vfio::kStateSaving;

// Waits that a fault asks for look this often whether they are still wanted.
constexpr milliseconds kLook{2};

}  // namespace

// Brings what others see up to date with what is.
void Device::show() { shown_ = (pretended_.value_or(state_) & kStateMask) | reserved_; }

void Device::pause(milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stopping_ && !losing_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(
        std::min<std::chrono::nanoseconds>(kLook, end - std::chrono::steady_clock::now()));
  }
}

// Fault pri: pages that the device waits for come from the workload, so it has to be at work.
void Device::waitForWorkload() {
  const std::uint64_t set = fabric_.snapshot(index_).set;
  while (faults_.has(FaultKind::kPri) && !host_.thawed(set) && !stopping_ && !losing_) {
    std::this_thread::sleep_for(kLook);
  }
}

int Device::changeState(std::uint32_t value) {
  const std::uint32_t target = value & kStateMask;
  const auto applies = [target](const Fault& fault) { return !fault.to || *fault.to == target; };
  if (faults_.take(FaultKind::kDie, [&](const Fault& fault) { return fault.onArc && applies(fault); })) {
    host_.die();
  }
  if (const auto stall = faults_.take(FaultKind::kStallArc, applies)) {
    pause(milliseconds(stall->ms));
  }
  pretended_.reset();
  show();
  if (state_ == kStateError) {
    return EIO;
  }
  if (const auto refuse = faults_.take(FaultKind::kRefuseArc, applies)) {
    return refuse->error;
  }
  if (const auto fault = faults_.take(FaultKind::kErrorOnArc, applies)) {
    enterError();
    return fault->error;
  }
  if (const auto fault = faults_.take(FaultKind::kWrongState, applies)) {
    pretended_ = fault->state;
    show();
    return fault->error;
  }
  const bool acceptable = (isValidState(target) || TRANSSHIP_MUTANT("D-09")) &&
                          ((target & kStateNdma) == 0 || options_.ndma || TRANSSHIP_MUTANT("D-15"));
  if (!acceptable) {
    return EINVAL;
  }
  if (TRANSSHIP_MUTANT("D-18") && (target & (kStateNdma | kStateRunning)) == kStateNdma) {
    return EINVAL;
  }
  const auto start = std::chrono::steady_clock::now();
  const std::uint32_t before = state_;
  const int error = walk(target);
  lastArc_ = (std::chrono::steady_clock::now() - start).count();
  if (error != 0 && TRANSSHIP_MUTANT("D-07")) {
    state_ = 0;
  }
  if (error == 0 && TRANSSHIP_MUTANT("D-04") && before != target) {
    pretended_ = before;  // done only when somebody looks for the second time
  }
  show();
  return error;
}

// One write may change several bits. NDMA is set first and cleared last, so that whatever lies between
// happens without DMA; in between RUNNING, SAVING and RESUMING are cleared, then RESUMING, SAVING and RUNNING
// are set. Only clearing RESUMING can fail; nothing but NDMA has changed by then, since RESUMING stands
// alone.
int Device::walk(std::uint32_t target) {
  const std::uint32_t old = state_;
  const auto clears = [&](std::uint32_t bit) { return (old & bit) != 0 && (target & bit) == 0; };
  const auto sets = [&](std::uint32_t bit) { return (old & bit) == 0 && (target & bit) != 0; };
  const bool late = TRANSSHIP_MUTANT("D-05");  // a broken device takes NDMA last
  if (TRANSSHIP_MUTANT("D-25") && clears(kStateRunning) && (old & kStateSaving) != 0 && pendingNow() > 0) {
    return EBUSY;
  }
  if (sets(kStateNdma) && !late) {
    fabric_.setNdma(index_, true);
    waitForWorkload();
  }
  if (clears(kStateRunning)) {
    fabric_.setRunning(index_, false);
  }
  if (clears(kStateSaving)) {
    committed_.reset();
    if (!TRANSSHIP_MUTANT("D-13")) {
      save_.reset();
    }
  }
  if (clears(kStateResuming)) {
    if (const int error = clearResuming(); error != 0) {
      fabric_.setNdma(index_, (old & kStateNdma) != 0);
      return error;
    }
  }
  if (sets(kStateResuming)) {
    // The device drops what it had: it is going to be another one.
    fabric_.detach(index_);
    memory_.reset(mix(contents(), ++sessions_));
    live_ = true;
    place_.reset();
    load_.emplace(memory_, window_, identity(), options_.gullible);
  }
  if (sets(kStateSaving)) {
    openSaving();
  }
  if (sets(kStateRunning)) {
    fabric_.setRunning(index_, true);
    if (save_) {
      save_->reopen();
    }
  }
  if (sets(kStateNdma) && late) {
    fabric_.setNdma(index_, true);
  }
  if (clears(kStateNdma)) {
    fabric_.setNdma(index_, false);
  }
  state_ = target;
  if (options_.keepDigests && (clears(kStateRunning) || clears(kStateResuming))) {
    kept_ = digestsNow();
  }
  return 0;
}

void Device::openSaving() {
  committed_.reset();
  truncated_ = faults_.take(FaultKind::kTruncateStream, [](const Fault& fault) { return fault.segment == 0; })
                   .has_value();
  zeroSeen_ = false;
  const std::uint64_t session =
      mix(mix(contents(), ++sessions_),
          static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  save_.emplace(memory_, window_, options_.segmentBytes, session, identity(),
                [this] { return finalState(); });
}

// The device becomes what the stream says, if that is all there and fits together.
int Device::clearResuming() {
  const bool checked = !options_.gullible && !TRANSSHIP_MUTANT("D-14");
  if (checked && !load_->complete()) {
    return EINVAL;
  }
  const auto& attachment = load_->attachment();
  const auto& identity = load_->identity();
  if (attachment && identity && identity->attached != 0 && !fabric_.attach(index_, *attachment) && checked) {
    return EEXIST;
  }
  scratch_ = load_->registers().scratch;
  load_.reset();
  place_.reset();
  return 0;
}

// The specification wants the device fully stopped in this state (L237-243).
void Device::enterError() {
  fabric_.setRunning(index_, false);
  save_.reset();
  load_.reset();
  committed_.reset();
  place_.reset();
  state_ = kStateError;
  show();
}

bool Device::changeByItself(std::uint32_t target) {
  const std::lock_guard lock(access_);
  if (target == kStateError) {
    enterError();
    return true;
  }
  const bool changed = isValidState(target) && state_ != kStateError && walk(target) == 0;
  show();
  return changed;
}

}  // namespace transship::emulator

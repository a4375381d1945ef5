// What a device does in which state, whoever asks for it.
#include <cerrno>
#include <thread>

#include "common/mutant.hh"
#include "device_core.hh"
#include "random.hh"

namespace transship::emulator {
namespace {

using std::chrono::milliseconds;
using vfio::kStateError;
using vfio::kStateNdma;
using vfio::kStateResuming;
using vfio::kStateRunning;
using vfio::kStateSaving;

// Waits that a fault asks for look this often whether they are still wanted.
constexpr milliseconds kLook{2};

}  // namespace

DeviceCore::DeviceCore(std::size_t index, const DeviceOptions& options, Fabric& fabric,
                       Violations& violations, DeviceHost host)
    : index_(index),
      options_(options),
      fabric_(fabric),
      host_(std::move(host)),
      memory_(options.memoryBytes, mix(options.seed, index)),
      window_(options.windowBytes, options.protocol == Protocol::kV1 ? options.mmap : MmapMode::kNone),
      monitor_(index, options.protocol, violations),
      config_(options.ids),
      state_(TRANSSHIP_MUTANT("D-03") ? 0 : kStateRunning) {}

void DeviceCore::pause(milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  const std::uint64_t clears = faults_.clears();
  while (!stopping_ && !losing_ && clears == faults_.clears() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(
        std::min<std::chrono::nanoseconds>(kLook, end - std::chrono::steady_clock::now()));
  }
}

// Fault pri: pages that the device waits for come from the workload, so it has to be at work.
void DeviceCore::waitForWorkload() {
  const std::uint64_t set = fabric_.snapshot(index_).set;
  while (faults_.has(FaultKind::kPri) && !host_.thawed(set) && !stopping_ && !losing_) {
    std::this_thread::sleep_for(kLook);
  }
}

// Whether the device does DMA into its workload's memory in this state. NDMA ends all of it, P2P only what
// goes to other devices (vfio.h), and this device makes use of that.
bool DeviceCore::mayWrite(std::uint32_t nibble) const noexcept {
  return (nibble & kStateRunning) != 0 && ((nibble & kStateNdma) == 0 || options_.protocol == Protocol::kV2);
}

int DeviceCore::walk(std::uint32_t target) {
  const auto start = std::chrono::steady_clock::now();
  const int error = change(target);
  lastArc_ = (std::chrono::steady_clock::now() - start).count();
  return error;
}

// NDMA is set first and cleared last, so that whatever lies between happens without DMA; in between RUNNING,
// SAVING and RESUMING are cleared, then RESUMING, SAVING and RUNNING are set. Only clearing RESUMING can
// fail; nothing but NDMA has changed by then, since RESUMING stands alone.
int DeviceCore::change(std::uint32_t target) {
  const std::uint32_t old = state_;
  const auto clears = [&](std::uint32_t bit) { return (old & bit) != 0 && (target & bit) == 0; };
  const auto sets = [&](std::uint32_t bit) { return (old & bit) == 0 && (target & bit) != 0; };
  const bool late = TRANSSHIP_MUTANT("D-05");  // a broken device takes NDMA last
  if (TRANSSHIP_MUTANT("D-25") && clears(kStateRunning) && (old & kStateSaving) != 0 && pending() > 0) {
    return EBUSY;
  }
  if (!mayWrite(target)) {
    dma_.setActive(false);
  }
  if (sets(kStateNdma) && !late) {
    fabric_.setNdma(index_, true);
    waitForWorkload();
  }
  if (clears(kStateRunning)) {
    fabric_.setRunning(index_, false);
  }
  if (clears(kStateSaving) && !TRANSSHIP_MUTANT("D-13")) {
    save_.reset();
  }
  if (clears(kStateResuming)) {
    if (const int error = clearResuming(); error != 0) {
      fabric_.setNdma(index_, (old & kStateNdma) != 0);
      return error;
    }
  }
  if (sets(kStateResuming)) {
    openResuming();
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
  dma_.setActive(mayWrite(target));
  if (options_.keepDigests && (clears(kStateRunning) || clears(kStateResuming))) {
    kept_ = digests();
  }
  return 0;
}

// The device drops what it had: it is going to be another one.
void DeviceCore::openResuming() {
  fabric_.detach(index_);
  memory_.reset(mix(contents(), ++sessions_));
  live_ = true;
  load_.emplace(memory_, window_, identity(), options_.checks == Checks::kNone);
}

void DeviceCore::openSaving() {
  truncated_ = faults_.take(FaultKind::kTruncateStream, [](const Fault& fault) { return fault.segment == 0; })
                   .has_value();
  const std::uint64_t session =
      mix(mix(contents(), ++sessions_),
          static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  Identity told = identity();
  if (faults_.take(FaultKind::kForeignStream,
                   [](const Fault& fault) { return fault.field == StreamField::kMemory; })) {
    told.memoryBytes *= 2;
  }
  save_.emplace(memory_, window_, options_.segmentBytes, session, told, [this] { return finalState(); });
}

// The device becomes what the stream says, if that is all there and fits together.
int DeviceCore::clearResuming() {
  const bool checked = options_.checks != Checks::kNone && !TRANSSHIP_MUTANT("D-14");
  if (checked && !load_->complete()) {
    return EINVAL;
  }
  const auto& attachment = load_->attachment();
  const auto& told = load_->identity();
  if (attachment && told && told->attached != 0 && !fabric_.attach(index_, *attachment) && checked) {
    return EEXIST;
  }
  scratch_ = load_->registers().scratch;
  load_.reset();
  return 0;
}

void DeviceCore::enterError() {
  dma_.setActive(false);
  fabric_.setFailed(index_);
  save_.reset();
  load_.reset();
  state_ = kStateError;
}

void DeviceCore::reset() {
  save_.reset();
  load_.reset();
  fabric_.detach(index_);
  ++resets_;
  memory_.reset(contents());
  fabric_.setNdma(index_, false);
  fabric_.setRunning(index_, true);
  config_.reset();
  fabric_.setBusMaster(index_, config_.busMaster());
  scratch_ = 0;
  live_ = false;
  state_ = TRANSSHIP_MUTANT("D-03") ? 0 : kStateRunning;
  dma_.setActive(true);
}

std::uint64_t DeviceCore::contents() const { return mix(mix(options_.seed, index_), resets_.load()); }

void DeviceCore::arm(const Attachment& attachment) {
  // The driver has switched the device on: memory decoding and bus mastering, as after a probe.
  constexpr std::uint16_t kCommand = 0x0006;
  config_.write(0x04, std::as_bytes(std::span(&kCommand, 1)));
  fabric_.setBusMaster(index_, config_.busMaster());
  live_ = fabric_.attach(index_, attachment);
}

Observation DeviceCore::observe(Action action, std::uint64_t offset, std::uint64_t length) const {
  Observation seen;
  seen.action = action;
  seen.state = state_;
  seen.offset = offset;
  seen.length = length;
  seen.hasNdma = options_.ndma;
  seen.hasReset = options_.reset;
  seen.live = live_;
  seen.windowEnd = window_.regionSize();
  seen.mappable = window_.areas();
  return seen;
}

void DeviceCore::observeSet(Observation& seen) const {
  seen.peers = fabric_.peers(index_);
  seen.thawed = live_ && host_.thawed(fabric_.snapshot(index_).set);
}

}  // namespace transship::emulator

#include "device.hh"

#include <cerrno>
#include <thread>

#include "common/mutant.hh"
#include "random.hh"

namespace transship::emulator {
namespace {

using std::chrono::seconds;

// What reserved bits 31:4 of device_state read as in sticky mode.
constexpr std::uint32_t kStickyPattern = 0x5A3C9610;
// A harness request waits this long for a device that is busy with a state write.
constexpr seconds kPatience{5};

// Tries until kPatience is over. (A timed mutex would do, but its timed lock is invisible to
// ThreadSanitizer.)
std::unique_lock<std::mutex> lockPatiently(std::mutex& mutex) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock(mutex, std::try_to_lock);
  while (!lock.owns_lock() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock.try_lock();
  }
  return lock;
}

}  // namespace

const char* stateName(std::uint32_t state) noexcept {
  switch (state & vfio::kStateMask) {
    case 0x0:
    case 0x8:
      return "Stop";
    case 0x1:
      return "Running";
    case 0x2:
    case 0xA:
      return "StopCopy";
    case 0x3:
      return "PreCopy";
    case 0x4:
    case 0xC:
      return "Resuming";
    case 0x6:
      return "Error";
    case 0x9:
      return "RunningP2P";
    case 0xB:
      return "PreCopyP2P";
    default:
      return "Invalid";
  }
}

Device::Device(std::size_t index, const DeviceOptions& options, Fabric& fabric, Violations& violations,
               DeviceHost host)
    : index_(index),
      options_(options),
      fabric_(fabric),
      host_(std::move(host)),
      memory_(options.memoryBytes, mix(options.seed, index)),
      window_(options.windowBytes, options.mmap),
      monitor_(index, violations),
      violations_(violations),
      reserved_(options.stickyBits ? kStickyPattern : 0),
      config_(options.ids) {
  if (TRANSSHIP_MUTANT("D-03")) {
    state_ = 0;
  }
  show();
}

void Device::userCame() {
  const std::lock_guard lock(access_);
  monitor_.forget();
}

void Device::userLeft() {
  const std::lock_guard lock(access_);
  monitor_.forget();
  irqs_.clear();
}

vfio::DeviceInfo Device::info() const {
  vfio::DeviceInfo info{};
  info.argsz = sizeof(info);
  info.flags = vfio::kDeviceFlagsPci | (options_.reset ? vfio::kDeviceFlagsReset : 0);
  info.num_regions = kNumRegions;
  info.num_irqs = 5;  // INTx, MSI, MSI-X, ERR, REQ
  return info;
}

int Device::describeRegion(std::uint32_t region, RegionDescription& description) {
  using namespace vfio;
  description = {};
  CapabilityChain chain;
  constexpr std::uint32_t kReadWrite = kRegionFlagRead | kRegionFlagWrite;
  switch (region) {
    case kBar0:
    case kMsixBar:
      description.flags = kReadWrite;
      description.size = PciConfig::kBarSize;
      return 0;
    case kPciConfigRegionIndex:
      description.flags = kReadWrite;
      description.size = PciConfig::kSize;
      return 0;
    case kDecoyRegion:
      // A vendor's own region with the migration region's subtype: only the pair (type, subtype) tells.
      chain.add({{}, 0x80000000u | options_.ids.vendor, kRegionSubtypeMigration});
      description = {kReadWrite | kRegionFlagCaps, PciConfig::kBarSize, chain.bytes(), -1};
      return 0;
    case kMigrationRegionIndex:
      break;
    default:
      return region < kNumRegions ? 0 : EINVAL;
  }
  const std::lock_guard lock(access_);
  monitor_.noteRegionInfo();
  chain.add({{}, kRegionTypeMigration, TRANSSHIP_MUTANT("D-01") ? 7u : kRegionSubtypeMigration});
  if (options_.ndma) {
    chain.addFlag(kRegionInfoCapMigNdma);
  }
  if (!window_.areas().empty()) {
    chain.addSparseMmap(window_.areas());
    description.flags = kRegionFlagMmap;
    description.fd = window_.fd();
  }
  if (faults_.take(FaultKind::kShortCaps)) {
    chain.endInsideLast();
  } else if (faults_.take(FaultKind::kCapLoop)) {
    chain.loop();
  } else if (faults_.take(FaultKind::kCapOob)) {
    chain.pointOutside();
  }
  description.flags |= kReadWrite | kRegionFlagCaps;
  description.size = window_.regionSize();
  description.capabilities = chain.bytes();
  return 0;
}

int Device::reset() {
  const std::lock_guard lock(access_);
  Observation seen = observe(kReset, 0, 0);
  monitor_.judge(seen);
  if (faults_.take(FaultKind::kIgnoreReset)) {
    monitor_.note(seen, 0);
    return 0;
  }
  if (const auto fault = faults_.take(FaultKind::kFailReset)) {
    monitor_.note(seen, fault->error);
    return fault->error;
  }
  if (!options_.reset) {
    monitor_.note(seen, EINVAL);
    return EINVAL;
  }
  if (TRANSSHIP_MUTANT("D-08") && !running()) {
    monitor_.note(seen, EBUSY);
    return EBUSY;
  }
  resetNow();
  monitor_.note(seen, 0);
  return 0;
}

// Everything a device has of its own goes; contents are new ones, never those that it ever had before.
void Device::resetNow() {
  save_.reset();
  load_.reset();
  committed_.reset();
  place_.reset();
  pretended_.reset();
  fabric_.detach(index_);
  ++resets_;
  memory_.reset(contents());
  fabric_.setNdma(index_, false);
  fabric_.setRunning(index_, true);
  config_.reset();
  fabric_.setBusMaster(index_, config_.busMaster());
  msixTable_.fill(std::byte{0});
  scratch_ = 0;
  live_ = false;
  state_ = TRANSSHIP_MUTANT("D-03") ? 0 : vfio::kStateRunning;
  show();
}

std::uint64_t Device::contents() const { return mix(mix(options_.seed, index_), resets_.load()); }

void Device::arm(const Attachment& attachment) {
  const std::lock_guard lock(access_);
  // The driver has switched the device on: memory decoding and bus mastering, as after a probe.
  constexpr std::uint16_t kCommand = 0x0006;
  config_.write(0x04, std::as_bytes(std::span(&kCommand, 1)));
  fabric_.setBusMaster(index_, config_.busMaster());
  live_ = fabric_.attach(index_, attachment);
}

bool Device::lose() {
  losing_ = true;  // lets go of a state write that a fault holds up
  const auto lock = lockPatiently(access_);
  losing_ = false;
  if (!lock.owns_lock()) {
    return false;
  }
  resetNow();
  monitor_.forget();
  return true;
}

std::optional<Device::Digests> Device::digests() {
  const auto lock = lockPatiently(access_);
  if (!lock.owns_lock() || running()) {
    return std::nullopt;
  }
  return digestsNow();
}

std::optional<Device::Digests> Device::keptDigests() {
  const auto lock = lockPatiently(access_);
  return lock.owns_lock() ? kept_ : std::nullopt;
}

Device::Digests Device::digestsNow() {
  Digests digests;
  digests.memory = memory_.digest();
  const std::vector<std::byte> state = finalState();
  const Digest own = digestOf(state);
  digests.all = {mix(digests.memory.high, own.high), mix(digests.memory.low, own.low)};
  return digests;
}

}  // namespace transship::emulator

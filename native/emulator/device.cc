#include "device.hh"

#include <cerrno>
#include <thread>

#include "common/mutant.hh"
#include "state_value.hh"

namespace transship::emulator {
namespace {

using std::chrono::seconds;

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

const char* stateName(std::uint32_t nibble) noexcept {
  switch (nibble) {
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
    : core_(index, options, fabric, violations, std::move(host)),
      region_(options.protocol == Protocol::kV1 ? std::make_unique<RegionV1>(core_) : nullptr),
      features_(options.protocol == Protocol::kV2 ? std::make_unique<FeaturesV2>(core_) : nullptr),
      front_(region_ ? static_cast<Front*>(region_.get()) : features_.get()) {}

void Device::userCame() {
  const std::lock_guard lock(access_);
  core_.monitor().forget();
  front_->userChanged();
}

void Device::userLeft() {
  const std::lock_guard lock(access_);
  core_.monitor().forget();
  front_->userChanged();
  core_.irqs().clear();
  core_.dma().unmapAll();
}

// What comes before every access that a fault may hold up or refuse; the errno of a device that is gone.
int Device::begin() {
  if (const auto delay = core_.faults().take(FaultKind::kDelay)) {
    core_.pause(std::chrono::milliseconds(delay->ms));
  }
  return core_.faults().take(FaultKind::kUnplugged) ? ENODEV : 0;
}

vfio::DeviceInfo Device::info() const {
  vfio::DeviceInfo info{};
  info.argsz = sizeof(info);
  info.flags = vfio::kDeviceFlagsPci | (core_.options().reset ? vfio::kDeviceFlagsReset : 0);
  info.num_regions = kDecoyRegion + (region_ ? 2 : 1);  // only v1 has a migration region
  info.num_irqs = 5;                                    // INTx, MSI, MSI-X, ERR, REQ
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
      chain.add({{}, 0x80000000u | core_.options().ids.vendor, kRegionSubtypeMigration});
      description = {kReadWrite | kRegionFlagCaps, PciConfig::kBarSize, chain.bytes(), -1};
      return 0;
    default:
      break;
  }
  if (region >= info().num_regions) {
    return EINVAL;
  }
  if (region == kMigrationRegionIndex) {
    const std::lock_guard lock(access_);
    region_->describe(description);
  }
  return 0;
}

Device::Read Device::read(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const std::lock_guard lock(access_);
  if (const int gone = begin(); gone != 0) {
    return {gone, {}};
  }
  if (region == kMigrationRegionIndex && region_) {
    return region_->read(offset, count);
  }
  return region == vfio::kPciConfigRegionIndex ? readConfig(offset, count) : readBar(region, offset, count);
}

int Device::write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data) {
  const std::lock_guard lock(access_);
  if (const int gone = begin(); gone != 0) {
    return gone;
  }
  if (region == kMigrationRegionIndex && region_) {
    return region_->write(offset, data);
  }
  return region == vfio::kPciConfigRegionIndex ? writeConfig(offset, data) : writeBar(region, offset, data);
}

std::byte* Device::landing(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const std::lock_guard lock(access_);
  return region == kMigrationRegionIndex && region_ ? region_->landing(offset, count) : nullptr;
}

int Device::reset() {
  const std::lock_guard lock(access_);
  if (core_.faults().take(FaultKind::kUnplugged)) {
    return ENODEV;
  }
  const Observation seen = core_.observe(kReset);
  core_.monitor().judge(seen);
  const auto outcome = [&] {
    if (core_.faults().take(FaultKind::kIgnoreReset)) {
      return 0;
    }
    if (const auto fault = core_.faults().take(FaultKind::kFailReset)) {
      return fault->error;
    }
    if (!core_.options().reset) {
      return EINVAL;
    }
    if (TRANSSHIP_MUTANT("D-08") && !core_.running()) {
      return EBUSY;
    }
    resetNow();
    return 0;
  };
  const int error = outcome();
  core_.monitor().note(seen, error);
  return error;
}

void Device::resetNow() {
  core_.reset();
  msixTable_.fill(std::byte{0});
  front_->changed();
}

void Device::arm(const Attachment& attachment) {
  const std::lock_guard lock(access_);
  core_.arm(attachment);
}

bool Device::lose() {
  core_.setLosing(true);  // lets go of a state change that a fault holds up
  const auto lock = lockPatiently(access_);
  core_.setLosing(false);
  if (!lock.owns_lock()) {
    return false;
  }
  resetNow();
  core_.monitor().noteLost();
  return true;
}

bool Device::changeByItself(const StateArgument& target) {
  const std::lock_guard lock(access_);
  const std::uint32_t nibble = target.nibble(core_.options().protocol);
  if (features_) {
    core_.monitor().noteLost();
  }
  if (nibble == vfio::kStateError) {
    core_.enterError();
    front_->changed();
    return true;
  }
  return isValidState(nibble) && !core_.failed() && front_->changeByItself(nibble) == 0;
}

std::optional<Device::Digests> Device::digests() {
  const auto lock = lockPatiently(access_);
  if (!lock.owns_lock() || core_.running()) {
    return std::nullopt;
  }
  return core_.digests();
}

std::optional<Device::Digests> Device::keptDigests() {
  const auto lock = lockPatiently(access_);
  return lock.owns_lock() ? core_.kept() : std::nullopt;
}

}  // namespace transship::emulator

// The regions beside the migration region: configuration space, registers in BAR 0, the MSI-X table in BAR 1.
#include <cerrno>
#include <cstring>

#include "common/mutant.hh"
#include "device.hh"

namespace transship::emulator {
namespace {

// BAR 0, all registers 8 bytes wide.
constexpr std::uint64_t kSubmitted = 0x00;  // read only: work posted to the device
constexpr std::uint64_t kCompleted = 0x08;  // read only
constexpr std::uint64_t kSlot = 0x10;       // read only: address in the set
constexpr std::uint64_t kScratch = 0x18;    // kept, and carried in the stream

bool inside(std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
  return offset <= size && count <= size - offset;
}

}  // namespace

Device::Read Device::readConfig(std::uint64_t offset, std::uint32_t count) {
  if (!inside(offset, count, PciConfig::kSize)) {
    return {EINVAL, {}};
  }
  if (TRANSSHIP_MUTANT("D-11") && !core_.running()) {
    return {EIO, {}};
  }
  const auto to = std::span(reply_).first(count);
  core_.config().read(offset, to);
  return {0, to};
}

int Device::writeConfig(std::uint64_t offset, std::span<const std::byte> data) {
  if (!inside(offset, data.size(), PciConfig::kSize)) {
    return EINVAL;
  }
  if (TRANSSHIP_MUTANT("D-11") && !core_.running()) {
    return EIO;
  }
  core_.config().write(offset, data);
  core_.fabric().setBusMaster(index(), core_.config().busMaster());
  return 0;
}

// Device memory of a device that does not run: the access finds nobody, which is the user's own loss.
void Device::touchWhileStopped() {
  if (TRANSSHIP_MUTANT("D-12")) {
    core_.host().die();
  }
}

Device::Read Device::readBar(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const bool msix = region == kMsixBar;
  if (region != kBar0 && !msix) {
    const Observation seen = core_.observe(kWrongRegion, offset, count);
    core_.monitor().judge(seen);
    return {EINVAL, {}};
  }
  if (!inside(offset, count, PciConfig::kBarSize) || count > reply_.size()) {
    return {EINVAL, {}};
  }
  const auto to = std::span(reply_).first(count);
  if (msix) {
    if (TRANSSHIP_MUTANT("D-11") && !core_.running()) {
      return {EIO, {}};
    }
    std::memcpy(to.data(), &msixTable_[offset], count);
    return {0, to};
  }
  const Observation seen = core_.observe(kBarAccess, offset, count);
  core_.monitor().judge(seen);
  core_.monitor().note(seen, 0);
  if (!core_.running()) {
    touchWhileStopped();
    std::memset(to.data(), 0xFF, count);  // what a read of an absent PCI device gives
    return {0, to};
  }
  const Attachment now = core_.fabric().snapshot(index());
  const std::uint64_t registers[] = {now.ring.submitted, now.ring.completed, now.slot, core_.scratch()};
  static_assert(kSubmitted == 0 && kCompleted == 8 && kSlot == 16 && kScratch == 24);
  if (!inside(offset, count, sizeof(registers))) {
    std::memset(to.data(), 0, count);
    return {0, to};
  }
  std::memcpy(to.data(), reinterpret_cast<const std::byte*>(registers) + offset, count);
  return {0, to};
}

int Device::writeBar(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data) {
  const bool msix = region == kMsixBar;
  if (region != kBar0 && !msix) {
    const Observation seen = core_.observe(kWrongRegion, offset, data.size());
    core_.monitor().judge(seen);
    return EINVAL;
  }
  if (!inside(offset, data.size(), PciConfig::kBarSize)) {
    return EINVAL;
  }
  if (msix) {
    if (TRANSSHIP_MUTANT("D-11") && !core_.running()) {
      return EIO;
    }
    std::memcpy(&msixTable_[offset], data.data(), data.size());
    return 0;
  }
  const Observation seen = core_.observe(kBarAccess, offset, data.size());
  core_.monitor().judge(seen);
  core_.monitor().note(seen, 0);
  if (!core_.running()) {
    touchWhileStopped();
    return 0;
  }
  if (offset == kScratch && data.size() == sizeof(std::uint64_t)) {
    std::uint64_t value = 0;
    std::memcpy(&value, data.data(), sizeof(value));
    core_.setScratch(value);
  }
  return 0;
}

}  // namespace transship::emulator

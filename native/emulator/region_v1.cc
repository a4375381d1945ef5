// Reads and writes of the migration region: which register is meant, what the monitor and the faults make of
// it.
#include "region_v1.hh"

#include <cerrno>
#include <cstring>

#include "common/mutant.hh"

namespace transship::emulator {
namespace {

// What reserved bits 31:4 of device_state read as in sticky mode.
constexpr std::uint32_t kStickyPattern = 0x5A3C9610;

struct Field {
  std::uint64_t offset;
  std::uint32_t width;
};
constexpr Field kDeviceStateField{offsetof(vfio::MigrationInfo, device_state), 4};
constexpr Field kReservedField{offsetof(vfio::MigrationInfo, reserved), 4};
constexpr Field kPendingField{offsetof(vfio::MigrationInfo, pending_bytes), 8};
constexpr Field kOffsetField{offsetof(vfio::MigrationInfo, data_offset), 8};
constexpr Field kSizeField{offsetof(vfio::MigrationInfo, data_size), 8};

constexpr bool is(const Field& field, std::uint64_t offset, std::uint64_t width) {
  return field.offset == offset && field.width == width;
}

// Registers at offset 0; a broken one takes the field in which the access starts, whatever its width.
bool means(const Field& field, std::uint64_t offset, std::uint64_t width) {
  return is(field, offset, width) || (TRANSSHIP_MUTANT("D-02") && width <= 8 && offset >= field.offset &&
                                      offset < field.offset + field.width);
}

}  // namespace

RegionV1::RegionV1(DeviceCore& core)
    : Front(core), reserved_(core.options().stickyBits ? kStickyPattern : 0) {
  update();
}

Observation RegionV1::observe(Action action, std::uint64_t offset, std::uint64_t length) const {
  Observation seen = core_.observe(action, offset, length);
  seen.reserved = reserved_;
  return seen;
}

void RegionV1::describe(RegionDescription& description) {
  using namespace vfio;
  core_.monitor().noteLookedUp();
  CapabilityChain chain;
  chain.add({{}, kRegionTypeMigration, TRANSSHIP_MUTANT("D-01") ? 7u : kRegionSubtypeMigration});
  if (core_.options().ndma) {
    chain.addFlag(kRegionInfoCapMigNdma);
  }
  if (!core_.window().areas().empty()) {
    chain.addSparseMmap(core_.window().areas());
    description.flags = kRegionFlagMmap;
    description.fd = core_.window().fd();
  }
  FaultSet& faults = core_.faults();
  if (faults.take(FaultKind::kShortCaps)) {
    chain.endInsideLast();
  } else if (faults.take(FaultKind::kCapLoop)) {
    chain.loop();
  } else if (faults.take(FaultKind::kCapOob)) {
    chain.pointOutside();
  }
  description.flags |= kRegionFlagRead | kRegionFlagWrite | kRegionFlagCaps;
  description.size = core_.window().regionSize();
  description.capabilities = chain.bytes();
}

ReadResult RegionV1::read(std::uint64_t offset, std::uint32_t count) {
  if (offset >= Window::kDataStart) {
    Observation seen = observe(kDataRead, offset, count);
    return readData(seen);
  }
  const auto field = [&](Action action, Register reg, std::uint32_t width) {
    Observation seen = observe(action, offset, count);
    return readField(seen, reg, width);
  };
  if (means(kDeviceStateField, offset, count)) {
    return field(kStateRead, Register::kDeviceState, 4);
  }
  if (means(kPendingField, offset, count)) {
    return field(kPendingRead, Register::kPendingBytes, 8);
  }
  if (means(kOffsetField, offset, count)) {
    return field(kOffsetRead, Register::kDataOffset, 8);
  }
  if (means(kSizeField, offset, count)) {
    return field(kSizeRead, Register::kDataSize, 8);
  }
  const bool reserved = is(kReservedField, offset, count);
  const Observation seen = observe(reserved ? kOtherField : kBadAccess, offset, count);
  core_.monitor().judge(seen);
  core_.monitor().note(seen, reserved ? 0 : EINVAL);
  if (!reserved) {
    return {EINVAL, {}};
  }
  std::uint32_t value = TRANSSHIP_MUTANT("D-19") ? 0xFFFFFFFF : 0;
  if (const auto lie =
          core_.faults().take(FaultKind::kLie, [](const Fault& one) { return one.reserved.has_value(); })) {
    value = static_cast<std::uint32_t>(*lie->reserved);
  }
  std::memcpy(reply_.data(), &value, sizeof(value));
  return {0, std::span(reply_).first(sizeof(value))};
}

ReadResult RegionV1::readField(Observation& seen, Register reg, std::uint32_t width) {
  core_.monitor().judge(seen);
  std::uint64_t value = 0;
  int error = 0;
  const auto fault =
      core_.faults().take(FaultKind::kReadFault, [reg](const Fault& one) { return one.reg == reg; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (reg == Register::kDeviceState) {
    countStateRead();
    update();
    value = shown();
    if (TRANSSHIP_MUTANT("D-04")) {
      pretended_.reset();
    }
  } else if (core_.failed()) {
    error = EIO;
  } else if (reg == Register::kPendingBytes) {
    value = pendingBytes();
  } else if (reg == Register::kDataOffset) {
    error = nextSegment(value);
  } else {
    value = segmentSize();
  }
  core_.monitor().note(seen, error, value);
  if (error != 0) {
    return {error, {}};
  }
  std::memcpy(reply_.data(), &value, width);
  std::uint32_t length = width;
  if (TRANSSHIP_MUTANT("D-02")) {
    length = static_cast<std::uint32_t>(seen.length);
  }
  if (core_.faults().take(FaultKind::kShortRead)) {
    length /= 2;
  }
  return {0, std::span(reply_).first(length)};
}

ReadResult RegionV1::readData(Observation& seen) {
  core_.monitor().judge(seen);
  int error = 0;
  const auto fault =
      core_.faults().take(FaultKind::kReadFault, [](const Fault& one) { return one.reg == Register::kData; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (core_.failed()) {
    error = EIO;
  } else if (!(core_.saving() || core_.resuming() || core_.save() != nullptr) ||
             !core_.window().contains(seen.offset, seen.length)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-22") && committed_ &&
             (seen.offset != committed_->offset || seen.length != committed_->size)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-27") && !core_.window().areas().empty()) {
    error = EINVAL;
  }
  std::size_t length = seen.length;
  if (error == 0 && core_.faults().take(FaultKind::kShortRead)) {
    length /= 2;
    core_.monitor().note(seen, EIO);
  } else {
    core_.monitor().note(seen, error);
  }
  if (error != 0) {
    return {error, {}};
  }
  return {0, {core_.window().at(seen.offset), length}};
}

int RegionV1::write(std::uint64_t offset, std::span<const std::byte> data) {
  if (offset >= Window::kDataStart) {
    Observation seen = observe(kDataWrite, offset, data.size());
    return writeData(seen, data);
  }
  const bool state = means(kDeviceStateField, offset, data.size());
  if (state || means(kSizeField, offset, data.size())) {
    Observation seen = observe(state ? kStateWrite : kSizeWrite, offset, data.size());
    std::memcpy(&seen.value, data.data(), data.size());
    return writeField(seen, state ? Register::kDeviceState : Register::kDataSize);
  }
  const bool reserved = is(kReservedField, offset, data.size());
  const bool readOnly = is(kPendingField, offset, data.size()) || is(kOffsetField, offset, data.size());
  const Observation seen = observe(reserved || readOnly ? kOtherField : kBadAccess, offset, data.size());
  core_.monitor().judge(seen);
  core_.monitor().note(seen, reserved ? 0 : EINVAL);
  return reserved ? 0 : EINVAL;
}

int RegionV1::writeField(Observation& seen, Register reg) {
  if (reg == Register::kDeviceState) {
    core_.observeSet(seen);
  }
  core_.monitor().judge(seen);
  int error = 0;
  const auto fault =
      core_.faults().take(FaultKind::kWriteFault, [reg](const Fault& one) { return one.reg == reg; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (reg == Register::kDeviceState) {
    const bool loading = seen.clears(vfio::kStateResuming);
    error = changeState(static_cast<std::uint32_t>(seen.value));
    if (error != 0 && loading) {
      core_.monitor().noteLoadRefused();
    }
  } else {
    error = core_.failed() ? EIO : takeSegment(seen.value);
  }
  core_.monitor().note(seen, error);
  return error;
}

int RegionV1::writeData(Observation& seen, std::span<const std::byte> data) {
  core_.monitor().judge(seen);
  int error = 0;
  const auto fault = core_.faults().take(FaultKind::kWriteFault,
                                         [](const Fault& one) { return one.reg == Register::kData; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (core_.failed()) {
    error = EIO;
  } else if (!core_.resuming() || !core_.window().contains(seen.offset, seen.length)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-27") && !core_.window().areas().empty()) {
    error = EINVAL;
  } else if (std::byte* const to = core_.window().at(seen.offset); to != data.data()) {
    std::memcpy(to, data.data(), data.size());
  }
  core_.monitor().note(seen, error);
  return error;
}

std::byte* RegionV1::landing(std::uint64_t offset, std::uint32_t count) {
  const bool fits = core_.resuming() && core_.window().contains(offset, count);
  return fits ? core_.window().at(offset) : nullptr;
}

}  // namespace transship::emulator

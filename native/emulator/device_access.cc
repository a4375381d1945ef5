// Reads and writes of regions: which register is meant, what the monitor and the faults make of it.
#include <cerrno>
#include <cstring>

#include "common/mutant.hh"
#include "device.hh"

namespace transship::emulator {
namespace {

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

Observation Device::observe(Action action, std::uint64_t offset, std::uint64_t length) {
  Observation seen;
  seen.action = action;
  seen.state = state_;
  seen.reserved = reserved_;
  seen.offset = offset;
  seen.length = length;
  seen.hasNdma = options_.ndma;
  seen.hasReset = options_.reset;
  seen.live = live_;
  seen.windowEnd = window_.regionSize();
  seen.mappable = window_.areas();
  return seen;
}

Device::Read Device::read(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const std::lock_guard lock(access_);
  if (const auto delay = faults_.take(FaultKind::kDelay)) {
    pause(std::chrono::milliseconds(delay->ms));
  }
  switch (region) {
    case kMigrationRegionIndex:
      return readMigration(offset, count);
    case vfio::kPciConfigRegionIndex:
      return readConfig(offset, count);
    default:
      return readBar(region, offset, count);
  }
}

int Device::write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data) {
  const std::lock_guard lock(access_);
  if (const auto delay = faults_.take(FaultKind::kDelay)) {
    pause(std::chrono::milliseconds(delay->ms));
  }
  switch (region) {
    case kMigrationRegionIndex:
      return writeMigration(offset, data);
    case vfio::kPciConfigRegionIndex:
      return writeConfig(offset, data);
    default:
      return writeBar(region, offset, data);
  }
}

Device::Read Device::readMigration(std::uint64_t offset, std::uint32_t count) {
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
  monitor_.judge(seen);
  monitor_.note(seen, reserved ? 0 : EINVAL);
  if (!reserved) {
    return {EINVAL, {}};
  }
  std::uint32_t value = TRANSSHIP_MUTANT("D-19") ? 0xFFFFFFFF : 0;
  if (const auto lie =
          faults_.take(FaultKind::kLie, [](const Fault& one) { return one.reserved.has_value(); })) {
    value = static_cast<std::uint32_t>(*lie->reserved);
  }
  std::memcpy(reply_.data(), &value, sizeof(value));
  return {0, std::span(reply_).first(sizeof(value))};
}

Device::Read Device::readField(Observation& seen, Register reg, std::uint32_t width) {
  monitor_.judge(seen);
  std::uint64_t value = 0;
  int error = 0;
  const auto fault = faults_.take(FaultKind::kReadFault, [reg](const Fault& one) { return one.reg == reg; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (reg == Register::kDeviceState) {
    ++stateReads_;
    show();
    value = stateNow();
    if (TRANSSHIP_MUTANT("D-04")) {
      pretended_.reset();
    }
  } else if (state_ == vfio::kStateError) {
    error = EIO;
  } else if (reg == Register::kPendingBytes) {
    value = pendingBytes();
  } else if (reg == Register::kDataOffset) {
    error = nextSegment(value);
  } else {
    value = segmentSize();
  }
  monitor_.note(seen, error, value);
  if (error != 0) {
    return {error, {}};
  }
  std::memcpy(reply_.data(), &value, width);
  std::uint32_t length = width;
  if (TRANSSHIP_MUTANT("D-02")) {
    length = static_cast<std::uint32_t>(seen.length);
  }
  if (faults_.take(FaultKind::kShortRead)) {
    length /= 2;
  }
  return {0, std::span(reply_).first(length)};
}

Device::Read Device::readData(Observation& seen) {
  monitor_.judge(seen);
  int error = 0;
  const auto fault =
      faults_.take(FaultKind::kReadFault, [](const Fault& one) { return one.reg == Register::kData; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (state_ == vfio::kStateError) {
    error = EIO;
  } else if (!(saving() || resuming() || save_) || !window_.contains(seen.offset, seen.length)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-22") && committed_ &&
             (seen.offset != committed_->offset || seen.length != committed_->size)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-27") && !window_.areas().empty()) {
    error = EINVAL;
  }
  std::size_t length = seen.length;
  if (error == 0 && faults_.take(FaultKind::kShortRead)) {
    length /= 2;
    monitor_.note(seen, EIO);
  } else {
    monitor_.note(seen, error);
  }
  if (error != 0) {
    return {error, {}};
  }
  return {0, {window_.at(seen.offset), length}};
}

int Device::writeMigration(std::uint64_t offset, std::span<const std::byte> data) {
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
  monitor_.judge(seen);
  monitor_.note(seen, reserved ? 0 : EINVAL);
  return reserved ? 0 : EINVAL;
}

int Device::writeField(Observation& seen, Register reg) {
  if (reg == Register::kDeviceState) {
    seen.peers = fabric_.peers(index_);
    seen.thawed = live_ && host_.thawed(fabric_.snapshot(index_).set);
  }
  monitor_.judge(seen);
  int error = 0;
  const auto fault = faults_.take(FaultKind::kWriteFault, [reg](const Fault& one) { return one.reg == reg; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (reg == Register::kDeviceState) {
    const bool loading = seen.clears(vfio::kStateResuming);
    error = changeState(static_cast<std::uint32_t>(seen.value));
    if (error != 0 && loading) {
      monitor_.noteLoadRefused();
    }
  } else {
    error = state_ == vfio::kStateError ? EIO : takeSegment(seen.value);
  }
  monitor_.note(seen, error);
  return error;
}

int Device::writeData(Observation& seen, std::span<const std::byte> data) {
  monitor_.judge(seen);
  int error = 0;
  const auto fault =
      faults_.take(FaultKind::kWriteFault, [](const Fault& one) { return one.reg == Register::kData; });
  if (fault && !TRANSSHIP_MUTANT("D-28")) {
    error = fault->error;
  } else if (state_ == vfio::kStateError) {
    error = EIO;
  } else if (!resuming() || !window_.contains(seen.offset, seen.length)) {
    error = EINVAL;
  } else if (TRANSSHIP_MUTANT("D-27") && !window_.areas().empty()) {
    error = EINVAL;
  } else if (std::byte* const to = window_.at(seen.offset); to != data.data()) {
    std::memcpy(to, data.data(), data.size());
  }
  monitor_.note(seen, error);
  return error;
}

std::byte* Device::landing(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const std::lock_guard lock(access_);
  const bool fits = region == kMigrationRegionIndex && resuming() && window_.contains(offset, count);
  return fits ? window_.at(offset) : nullptr;
}

}  // namespace transship::emulator

#include "support/fake_device.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace transship::test {
namespace {

// The data section starts at a page, and segments lie at two places in turn.
constexpr std::uint64_t kFirstPlace = 4096;
constexpr std::uint64_t kSecondPlace = 4096 + 512;
constexpr std::byte kScrubbed{0xEE};

Error refusal(int errorNumber) {
  return {.code = ErrorCode::kAccessFailed, .message = "refused by the fake", .errorNumber = errorNumber};
}

std::string stateWrite(std::uint32_t value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "write device_state 0x%x", value);
  return text.data();
}

class FakeMapping final : public vfio::RegionMapping {
 public:
  FakeMapping(std::vector<vfio::SparseMmapArea> areas, Bytes& window)
      : areas_(std::move(areas)), window_(window) {}

  [[nodiscard]] std::span<std::byte> at(std::uint64_t offset, std::size_t length) const override {
    for (const auto& area : areas_) {
      if (offset >= area.offset && offset < area.offset + area.size) {
        return std::span{window_}.subspan(offset,
                                          std::min<std::size_t>(length, area.offset + area.size - offset));
      }
    }
    return {};
  }
  [[nodiscard]] std::size_t gap(std::uint64_t offset, std::size_t length) const override {
    for (const auto& area : areas_) {
      if (area.offset > offset) {
        return std::min<std::size_t>(length, area.offset - offset);
      }
    }
    return length;
  }
  [[nodiscard]] std::vector<vfio::SparseMmapArea> areas() const override { return areas_; }

 private:
  std::vector<vfio::SparseMmapArea> areas_;
  Bytes& window_;
};

}  // namespace

Bytes patternBytes(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  unsigned state = seed * 2654435761u + 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::byte>(state >> 24) | std::byte{0x80};
  }
  return bytes;
}

FakeDevice::FakeDevice(Options options)
    : stateRegister(options.initialState),
      options_(std::move(options)),
      facts_{.resetSupported = options_.reset, .regions = 12},
      window_(options_.regionSize),
      dataOffset_(kFirstPlace) {}

Result<vfio::RegionFacts> FakeDevice::region(std::uint32_t index) {
  if (index == 8) {
    return refusal(EINVAL);  // no VGA region
  }
  vfio::RegionFacts facts{.index = index, .size = 256, .readable = true, .writable = true};
  if (index == options_.migrationIndex) {
    facts.type = {.type = vfio::kRegionTypeMigration, .subtype = vfio::kRegionSubtypeMigration};
    facts.size = options_.regionSize;
    facts.migrationNdma = options_.ndma;
    facts.mmapAreas = options_.mmapAreas;
  } else if (index >= vfio::kPciNumRegions) {
    facts.type = {.type = 0x8086, .subtype = 1};
  }
  return facts;
}

std::optional<Error> FakeDevice::note(const std::string& access) {
  trace.push_back(access);
  if (const auto errorNumber = fault ? fault(access) : std::nullopt) {
    if (access.starts_with("write device_state") && stateAfterFault) {
      stateRegister = (stateRegister & ~vfio::kStateMask) | *stateAfterFault;
    }
    return refusal(*errorNumber);
  }
  return std::nullopt;
}

Status FakeDevice::read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) {
  if (region == options_.migrationIndex) {
    return readMigration(offset, into);
  }
  if (auto refused = note("read region " + std::to_string(region))) {
    return *refused;
  }
  std::ranges::fill(into, static_cast<std::byte>(offset + 1));
  return Done{};
}

Status FakeDevice::write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) {
  if (region == options_.migrationIndex) {
    return writeMigration(offset, from);
  }
  auto refused = note("write region " + std::to_string(region));
  return refused ? Status{*refused} : Status{Done{}};
}

Status FakeDevice::readMigration(std::uint64_t offset, std::span<std::byte> into) {
  if (offset >= sizeof(vfio::MigrationInfo)) {
    if (auto refused = note("read data")) {
      return *refused;
    }
    if (into.size() > options_.maxTransfer || offset + into.size() > window_.size()) {
      return refusal(EINVAL);
    }
    std::memcpy(into.data(), window_.data() + offset, into.size());
    return Done{};
  }
  const std::string access = "read " + std::to_string(offset) + "/" + std::to_string(into.size());
  if (auto refused = note(access)) {
    return *refused;
  }
  std::uint64_t value = 0;
  if (access == "read 0/4") {
    value = stateRegister;
  } else if (access == "read 4/4") {
    value = options_.reservedField;
  } else if (access == "read 8/8") {
    forgetSegment();
    value = pending() == 0 ? 0 : pendingLie.value_or(pending());
  } else if (access == "read 16/8") {
    makeAvailable();
    value = dataOffset_ + offsetLie;
  } else if (access == "read 24/8") {
    value = dataSize_ + sizeLie;
  } else {
    return refusal(EINVAL);  // native width and alignment only
  }
  std::memcpy(into.data(), &value, into.size());
  return Done{};
}

Status FakeDevice::writeMigration(std::uint64_t offset, std::span<const std::byte> from) {
  if (offset >= sizeof(vfio::MigrationInfo)) {
    if (auto refused = note("write data")) {
      return *refused;
    }
    if (from.size() > options_.maxTransfer || offset + from.size() > window_.size()) {
      return refusal(EINVAL);
    }
    std::memcpy(window_.data() + offset, from.data(), from.size());
    return Done{};
  }
  std::uint64_t value = 0;
  std::memcpy(&value, from.data(), std::min<std::size_t>(from.size(), 8));
  if (offset == 0 && from.size() == 4) {
    return writeState(static_cast<std::uint32_t>(value));
  }
  if (offset == 24 && from.size() == 8) {
    if (auto refused = note("write data_size")) {
      return *refused;
    }
    return takeSegment(value);
  }
  return refusal(EINVAL);
}

Status FakeDevice::writeState(std::uint32_t value) {
  if (auto refused = note(stateWrite(value))) {
    return *refused;
  }
  const std::uint32_t nibble = value & vfio::kStateMask;
  const bool both = (nibble & vfio::kStateSaving) != 0 && (nibble & vfio::kStateResuming) != 0;
  const bool resumingRuns = (nibble & vfio::kStateResuming) != 0 && (nibble & vfio::kStateRunning) != 0;
  if (both || resumingRuns || ((nibble & vfio::kStateNdma) != 0 && !options_.ndma)) {
    return refusal(EINVAL);
  }
  forgetSegment();
  stateRegister = value;
  return Done{};
}

std::uint64_t FakeDevice::pending() const {
  if ((stateRegister & vfio::kStateSaving) == 0) {
    return 0xBADBADBAD;  // undefined
  }
  std::uint64_t bytes = emptySegments > 0 ? 1 : 0;
  for (const Bytes& segment : preCopy) {
    bytes += segment.size();
  }
  if ((stateRegister & vfio::kStateRunning) == 0) {
    for (const Bytes& segment : stopCopy) {
      bytes += segment.size();
    }
  }
  return bytes;
}

void FakeDevice::makeAvailable() {
  if ((stateRegister & vfio::kStateSaving) == 0 || available_) {
    if (!available_) {
      dataOffset_ = dataOffset_ == kFirstPlace ? kSecondPlace : kFirstPlace;
    }
    return;
  }
  auto& source = preCopy.empty() && (stateRegister & vfio::kStateRunning) == 0 ? stopCopy : preCopy;
  dataOffset_ = dataOffset_ == kFirstPlace ? kSecondPlace : kFirstPlace;
  available_ = true;
  if (emptySegments > 0) {
    --emptySegments;
    dataSize_ = 0;
  } else if (!source.empty()) {
    std::ranges::copy(source.front(), window_.begin() + static_cast<std::ptrdiff_t>(dataOffset_));
    dataSize_ = source.front().size();
    source.pop_front();
  }
}

// What was made available and not read is gone with the acknowledgement or a change of state.
void FakeDevice::forgetSegment() {
  if (available_) {
    std::ranges::fill(window_, kScrubbed);
    available_ = false;
    dataSize_ = 0;
  }
}

Status FakeDevice::takeSegment(std::uint64_t size) {
  if ((stateRegister & vfio::kStateResuming) == 0 || dataOffset_ + size > window_.size()) {
    return refusal(EINVAL);
  }
  const auto start = window_.begin() + static_cast<std::ptrdiff_t>(dataOffset_);
  loaded.emplace_back(start, start + static_cast<std::ptrdiff_t>(size));
  return Done{};
}

std::unique_ptr<vfio::RegionMapping> FakeDevice::map(const vfio::RegionFacts& region) {
  return std::make_unique<FakeMapping>(region.mmapAreas, window_);
}

Status FakeDevice::reset() {
  if (auto refused = note("reset")) {
    return *refused;
  }
  if (!ignoreReset) {
    forgetSegment();
    stateRegister = vfio::kStateRunning;
  }
  return Done{};
}

Status FakeDevice::feature(std::uint32_t, std::span<std::byte>) { return refusal(ENOTTY); }

Result<std::uint32_t> FakeDevice::migrationState() { return refusal(ENOTTY); }

Result<vfio::MigrationStateReply> FakeDevice::setMigrationState(std::uint32_t) { return refusal(ENOTTY); }

Result<std::uint64_t> FakeDevice::startDmaLogging(std::span<const vfio::IovaRange>, std::uint64_t) {
  return refusal(ENOTTY);
}

Status FakeDevice::reportDmaLogging(vfio::IovaRange, std::uint64_t, std::span<std::byte>) {
  return refusal(ENOTTY);
}

Status FakeDevice::stopDmaLogging() { return refusal(ENOTTY); }

}  // namespace transship::test

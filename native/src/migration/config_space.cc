#include "migration/config_space.hh"

#include <algorithm>
#include <bit>

namespace transship::migration {
namespace {

// Offsets in the configuration header, type 0 (PCI Local Bus Specification 3.0, 6.1).
constexpr std::uint64_t kIdOffset = 0x00;         // vendor u16, device u16
constexpr std::uint64_t kRevisionOffset = 0x08;   // revision u8, class code u24
constexpr std::uint64_t kSubsystemOffset = 0x2C;  // subsystem vendor u16, subsystem u16

static_assert(std::endian::native == std::endian::little, "PCI registers are read in their own byte order");

Error inConfig(Error error) {
  error.field = "config";
  return error;
}

Result<std::uint32_t> readWord(vfio::Device& device, std::uint64_t offset) {
  std::uint32_t word = 0;
  Status read = device.read(vfio::kPciConfigRegionIndex, offset, std::as_writable_bytes(std::span{&word, 1}));
  if (!read) {
    return inConfig(std::move(read.error()));
  }
  return word;
}

}  // namespace

Status readIdentity(vfio::Device& device, DeviceInfo& info) {
  auto id = readWord(device, kIdOffset);
  if (!id) {
    return std::move(id.error());
  }
  auto revision = readWord(device, kRevisionOffset);
  if (!revision) {
    return std::move(revision.error());
  }
  auto subsystem = readWord(device, kSubsystemOffset);
  if (!subsystem) {
    return std::move(subsystem.error());
  }
  info.vendorId = static_cast<std::uint16_t>(*id);
  info.deviceId = static_cast<std::uint16_t>(*id >> 16);
  info.revisionId = static_cast<std::uint8_t>(*revision);
  info.subsystemVendorId = static_cast<std::uint16_t>(*subsystem);
  info.subsystemId = static_cast<std::uint16_t>(*subsystem >> 16);
  return Done{};
}

Status readConfigSpace(vfio::Device& device, std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const auto piece = into.first(std::min(into.size(), device.maxTransfer()));
    if (Status read = device.read(vfio::kPciConfigRegionIndex, offset, piece); !read) {
      return inConfig(std::move(read.error()));
    }
    offset += piece.size();
    into = into.subspan(piece.size());
  }
  return Done{};
}

Status writeConfigSpace(vfio::Device& device, std::uint64_t offset, std::span<const std::byte> from) {
  while (!from.empty()) {
    const auto piece = from.first(std::min(from.size(), device.maxTransfer()));
    if (Status written = device.write(vfio::kPciConfigRegionIndex, offset, piece); !written) {
      return inConfig(std::move(written.error()));
    }
    offset += piece.size();
    from = from.subspan(piece.size());
  }
  return Done{};
}

}  // namespace transship::migration

#include "pci_config.hh"

#include <cstring>

namespace transship::emulator {
namespace {

// Offsets in the configuration space (PCI local bus specification 3.0, chapter 6).
constexpr std::size_t kCommand = 0x04;
constexpr std::size_t kStatus = 0x06;
constexpr std::size_t kBar0 = 0x10;
constexpr std::size_t kInterruptLine = 0x3C;
constexpr std::size_t kMsix = 0x40;

constexpr std::uint16_t kCommandMaster = 1u << 2;
constexpr std::uint16_t kCommandWritable = 0x0406;  // memory decoding, bus master, INTx disable
constexpr std::uint16_t kMsixWritable = 0xC000;     // enable, function mask
constexpr std::uint16_t kStatusCapabilities = 1u << 4;

// The bits a write may change, byte by byte.
constexpr std::array<std::uint8_t, PciConfig::kSize> kWritable = [] {
  std::array<std::uint8_t, PciConfig::kSize> mask{};
  mask[kCommand] = kCommandWritable & 0xFF;
  mask[kCommand + 1] = kCommandWritable >> 8;
  for (std::size_t bar = 0; bar < 2; ++bar) {
    mask[kBar0 + bar * 4 + 1] = 0xF0;  // a BAR of 4096 bytes decodes address bits 31:12
    mask[kBar0 + bar * 4 + 2] = 0xFF;
    mask[kBar0 + bar * 4 + 3] = 0xFF;
  }
  mask[0x0C] = 0xFF;  // cache line size
  mask[0x0D] = 0xFF;  // latency timer
  mask[kInterruptLine] = 0xFF;
  mask[kMsix + 3] = kMsixWritable >> 8;
  return mask;
}();

}  // namespace

void PciConfig::set16(std::size_t offset, std::uint16_t value) noexcept {
  std::memcpy(&bytes_[offset], &value, sizeof(value));
}

void PciConfig::set32(std::size_t offset, std::uint32_t value) noexcept {
  std::memcpy(&bytes_[offset], &value, sizeof(value));
}

void PciConfig::reset() noexcept {
  bytes_.fill(std::byte{0});
  set16(0x00, ids_.vendor);
  set16(0x02, ids_.device);
  set16(kStatus, kStatusCapabilities);
  bytes_[0x08] = std::byte{ids_.revision};
  bytes_[0x0B] = std::byte{0x12};  // class: processing accelerator
  set16(0x2C, ids_.subsystemVendor);
  set16(0x2E, ids_.subsystem);
  bytes_[0x34] = std::byte{kMsix};  // start of the capability list
  bytes_[kMsix] = std::byte{0x11};
  set16(kMsix + 2, kVectors - 1);
  set32(kMsix + 4, 1);         // table at the start of BAR 1
  set32(kMsix + 8, 2048 | 1);  // pending bits in its second half
}

void PciConfig::read(std::size_t offset, std::span<std::byte> to) const noexcept {
  std::memcpy(to.data(), &bytes_[offset], to.size());
}

void PciConfig::write(std::size_t offset, std::span<const std::byte> from) noexcept {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::byte mask{kWritable[offset + i]};
    bytes_[offset + i] = (bytes_[offset + i] & ~mask) | (from[i] & mask);
  }
}

bool PciConfig::busMaster() const noexcept {
  std::uint16_t command = 0;
  std::memcpy(&command, &bytes_[kCommand], sizeof(command));
  return (command & kCommandMaster) != 0;
}

}  // namespace transship::emulator

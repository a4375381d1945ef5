#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace transship::emulator {

struct PciIds {
  std::uint16_t vendor = 0x1234;
  std::uint16_t device = 0x7473;
  std::uint16_t subsystemVendor = 0x1234;
  std::uint16_t subsystem = 0x0001;
  std::uint8_t revision = 1;
};

/// A PCI configuration space of 256 bytes: type 0 header, two memory BARs, an MSI-X capability. It answers
/// in every migration state, and is not part of the device's migration stream.
class PciConfig {
 public:
  static constexpr std::size_t kSize = 256;
  static constexpr std::size_t kBarSize = 4096;
  static constexpr unsigned kVectors = 4;

  explicit PciConfig(const PciIds& ids) noexcept : ids_(ids) { reset(); }

  /// Power-on contents: decoding, bus mastering and MSI-X off, BARs unset.
  void reset() noexcept;
  /// The range must lie inside the configuration space.
  void read(std::size_t offset, std::span<std::byte> to) const noexcept;
  /// Changes the writable bits of the range; the others keep their values, as in hardware.
  void write(std::size_t offset, std::span<const std::byte> from) noexcept;
  [[nodiscard]] bool busMaster() const noexcept;

 private:
  void set16(std::size_t offset, std::uint16_t value) noexcept;
  void set32(std::size_t offset, std::uint32_t value) noexcept;

  const PciIds ids_;
  std::array<std::byte, kSize> bytes_{};
};

}  // namespace transship::emulator

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// Bulk access to the data section of a migration region: memory copies where it is mapped, accesses of at
/// most the door's transfer size elsewhere, with the same result for any mixture of both (V1-45, V1-46).
///
/// Callers check that what they ask for lies inside the region.
class RegionWindow {
 public:
  /// `mapping` may be null: then everything goes by accesses. `device` must outlive the window.
  RegionWindow(vfio::Device& device, const vfio::RegionFacts& region,
               std::unique_ptr<vfio::RegionMapping> mapping);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::vector<vfio::SparseMmapArea> mappedAreas() const;

  /// Whether `length` bytes at `offset` lie behind the registers and inside the region (V1-47).
  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t length) const noexcept;

  /// Fills `into` from `offset` on and continues the CRC-32C `crc` over what it read, while the bytes are
  /// still in the cache.
  Status read(std::uint64_t offset, std::span<std::byte> into, std::uint32_t& crc);
  Status write(std::uint64_t offset, std::span<const std::byte> from);

 private:
  vfio::Device& device_;
  std::uint32_t region_;
  std::uint64_t size_;
  std::unique_ptr<vfio::RegionMapping> mapping_;
};

}  // namespace transship::migration

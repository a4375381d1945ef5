#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/error.hh"
#include "common/unique_fd.hh"
#include "vfio/abi.hh"

namespace transship::vfio {

/// What VFIO_DEVICE_GET_INFO says.
struct DeviceFacts {
  bool resetSupported = false;
  std::uint32_t regions = 0;
};

/// What VFIO_DEVICE_GET_REGION_INFO says of one region, checked (capability_chain.hh).
struct RegionFacts {
  struct Type {
    std::uint32_t type;
    std::uint32_t subtype;
  };

  std::uint32_t index = 0;
  std::uint64_t size = 0;
  bool readable = false;
  bool writable = false;
  /// Of the type capability; regions of fixed meaning have none.
  std::optional<Type> type = {};
  /// The migration NDMA capability is present.
  bool migrationNdma = false;
  /// Areas that may be mapped, inside the region, in ascending order, none overlapping.
  std::vector<SparseMmapArea> mmapAreas = {};
  /// Where the region starts in `memory`.
  std::uint64_t fileOffset = 0;
  /// File to map the areas from, where the door passes one.
  UniqueFd memory = {};
};

/// Mapped areas of a region. Unmaps on destruction.
class RegionMapping {
 public:
  virtual ~RegionMapping() = default;

  /// The mapped bytes from `offset` of the region on, at most `length`; empty when `offset` is not mapped.
  [[nodiscard]] virtual std::span<std::byte> at(std::uint64_t offset, std::size_t length) const = 0;
  /// Bytes from `offset` (itself not mapped) to the next mapped one, at most `length`.
  [[nodiscard]] virtual std::size_t gap(std::uint64_t offset, std::size_t length) const = 0;
  /// The areas that are mapped.
  [[nodiscard]] virtual std::vector<SparseMmapArea> areas() const = 0;
};

/// A door to one device: how register accesses and requests reach it, with nothing of any migration
/// protocol. Used by one thread.
///
/// An access or request that the device refuses is kAccessFailed with its errno; other errors mean that the
/// way to the device is broken.
class Device {
 public:
  virtual ~Device() = default;

  [[nodiscard]] virtual const DeviceFacts& facts() const = 0;

  /// Describes a region. kBadRegionInfo when the device's description contradicts itself.
  virtual Result<RegionFacts> region(std::uint32_t index) = 0;

  /// One access of exactly this width; a device that moves fewer bytes has failed (V1-02).
  virtual Status read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual Status write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) = 0;

  /// Bytes that one access of bulk data may have. Registers may exceed it.
  [[nodiscard]] virtual std::size_t maxTransfer() const = 0;

  /// Maps what can be mapped of `region`. Areas that the system refuses to map are left out, since mapping is
  /// never required (V1-46).
  virtual std::unique_ptr<RegionMapping> map(const RegionFacts& region) = 0;

  /// VFIO_DEVICE_RESET.
  virtual Status reset() = 0;
};

}  // namespace transship::vfio

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

/// VFIO_MIG_GET_PRECOPY_INFO: bytes that wait now, an estimate.
struct PrecopyInfo {
  std::uint64_t initialBytes = 0;
  std::uint64_t dirtyBytes = 0;
  /// VFIO_PRECOPY_INFO_REINIT: new initial bytes have appeared. Means something only after the opt-in
  /// (V2-20).
  bool reinit = false;
};

/// The byte stream of one v2 saving or resuming session: what data_fd is to a kernel driver. Closes it once,
/// on destruction (V2-07). Each call is one transfer: fewer bytes than asked for are no failure.
class MigrationData {
 public:
  virtual ~MigrationData() = default;

  /// Bytes read; 0 means an end, of which kind tells the device's state (V2-13, V2-14). May block.
  /// kAccessFailed with the device's errno (ENOMSG, ENODEV ...).
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
  /// Bytes taken.
  virtual Result<std::size_t> write(std::span<const std::byte> from) = 0;
  /// kAccessFailed: EINVAL outside of pre-copy (V2-16), ENOTTY where the door has no such request.
  virtual Result<PrecopyInfo> precopyInfo() = 0;
};

/// Reply to a request for a v2 state.
struct MigrationStateReply {
  /// State that the device reports, uninterpreted.
  std::uint32_t state = 0;
  /// The session that the arc opened; null for data_fd -1.
  std::unique_ptr<MigrationData> data = {};
};

/// A range of I/O virtual addresses, bytes.
struct IovaRange {
  std::uint64_t iova;
  std::uint64_t length;
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

  // VFIO_DEVICE_FEATURE. A device without the feature answers kAccessFailed with ENOTTY.

  /// GET, SET or PROBE of a feature without pointers in its payload; `payload` follows the header both ways.
  virtual Status feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) = 0;
  /// GET of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE: the state, uninterpreted.
  virtual Result<std::uint32_t> migrationState() = 0;
  /// SET of it. A descriptor that comes with a failure is closed.
  virtual Result<MigrationStateReply> setMigrationState(std::uint32_t state) = 0;

  /// VFIO_DEVICE_FEATURE_DMA_LOGGING_START; `pageSize` is a hint. Returns the page size in use (V2-31).
  virtual Result<std::uint64_t> startDmaLogging(std::span<const IovaRange> ranges,
                                                std::uint64_t pageSize) = 0;
  /// VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT: sets a bit in `bitmap` (little-endian u64 words) for each dirty
  /// page of `range`, never clears one (V2-32).
  virtual Status reportDmaLogging(IovaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap) = 0;
  /// VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP.
  virtual Status stopDmaLogging() = 0;
};

}  // namespace transship::vfio

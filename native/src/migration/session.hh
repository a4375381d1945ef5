#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/error.hh"
#include "migration/device_state.hh"
#include "vfio/abi.hh"
#include "vfio/device.hh"

namespace transship::migration {

enum class Protocol : std::uint8_t { kV1, kV2 };

/// What a device can do and what it is, for preflight.
struct DeviceInfo {
  Protocol protocol = Protocol::kV1;
  /// DMA logging is offered (VFIO_DEVICE_FEATURE_DMA_LOGGING_START).
  bool dmaLogging = false;
  /// VFIO_DEVICE_FEATURE_MIGRATION flags; 0 for v1.
  std::uint32_t migrationFlags = 0;
  bool p2p = false;
  bool preCopy = false;
  bool resetSupported = false;
  std::uint16_t vendorId = 0;
  std::uint16_t deviceId = 0;
  std::uint16_t subsystemVendorId = 0;
  std::uint16_t subsystemId = 0;
  std::uint8_t revisionId = 0;
  /// v1: bytes of the migration region, and those of it behind the registers: no segment can be larger.
  /// v2 has no region; `dataWindowSize` is then the size of the largest piece that is handed out or taken.
  std::uint64_t regionSize = 0;
  std::uint64_t dataWindowSize = 0;
  /// Areas of the region that this process has mapped.
  std::vector<vfio::SparseMmapArea> mmapAreas = {};
};

/// Outcome of asking a saving device for its next segment.
struct NextSegment {
  /// Bytes of the segment; 0 when there is none now.
  std::uint64_t size = 0;
  /// The stream is complete. Only with size 0.
  bool ended = false;
};

/// A piece of a segment, read into the caller's buffer.
struct Piece {
  std::size_t length = 0;
  std::uint32_t crc32c = 0;
  /// It was the last of its segment.
  bool last = false;
};

/// One device and its migration, whatever the protocol. Blocking, used by one thread.
///
/// Preconditions that do not hold are refused without touching the device. Any fault of a field or data
/// access ends the stream at that point (V1-54): the failing call returns the device's error, later ones
/// kSessionFailed, until the device begins another stream or is reset.
class Session {
 public:
  virtual ~Session() = default;

  [[nodiscard]] virtual const DeviceInfo& info() const = 0;

  /// The state the device shows now. Never changes anything, allowed at any time (V1-03).
  virtual Result<DeviceState> state() = 0;
  /// The whole state register, for diagnostics.
  virtual Result<std::uint32_t> rawState() = 0;

  /// Brings the device over one legal arc. A segment that was made available and is not fully collected is
  /// collected first (V1-43): while the stream goes on it is then read from memory, else it is dropped.
  virtual Status arc(DeviceState to) = 0;

  /// Resets the device and checks that it is back in Running (V1-11). Allowed in any state (V1-13).
  virtual Status reset() = 0;

  // Saving: nextSegment, then readSegment until `last`, and again until `ended`.
  virtual Result<NextSegment> nextSegment() = 0;
  virtual Result<Piece> readSegment(std::span<std::byte> into) = 0;
  /// The device's estimate of what is left, in bytes; volatile, may grow (V1-36).
  virtual Result<std::uint64_t> pendingBytes() = 0;

  // Resuming: beginSegment, then writeSegment until the size is reached, then commitSegment.
  virtual Status beginSegment(std::uint64_t size) = 0;
  virtual Status writeSegment(std::span<const std::byte> data) = 0;
  virtual Status commitSegment() = 0;

  /// v2: the device's estimate of what StopCopy will hand out, from VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, in any
  /// state; pre-copy info says nothing of it (V2-18). Nothing where the device does not tell or its protocol
  /// has no such request: then it may be anything (V2-19).
  virtual Result<std::optional<std::uint64_t>> stopCopySize() = 0;

  /// v2 in pre-copy: VFIO_MIG_GET_PRECOPY_INFO; nothing where the device or its protocol has no such request.
  virtual Result<std::optional<vfio::PrecopyInfo>> precopyInfo() = 0;

  // DMA logging, for who saves the memory that the device writes. kAccessFailed with ENOTTY without it.

  /// Starts once, with a matching stop. Returns the page size in use (V2-31).
  virtual Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                                std::uint64_t pageSize) = 0;
  /// Pages of `range` that were written since the last report: one bit each, little-endian (V2-32). After an
  /// error the log is corrupt: all memory counts as dirty (V2-33).
  virtual Result<std::vector<std::byte>> reportDmaLogging(vfio::IovaRange range) = 0;
  virtual Status stopDmaLogging() = 0;

  /// PCI configuration space, usable in every state (V1-16).
  virtual Status readConfig(std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual Status writeConfig(std::uint64_t offset, std::span<const std::byte> from) = 0;

  /// One access of exactly this width to any region, past all that is said above. For tests of devices.
  virtual Status regionRead(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual Status regionWrite(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) = 0;
};

}  // namespace transship::migration

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "pci_config.hh"
#include "window.hh"

namespace transship::emulator {

/// How a device's user drives its migration: the v1 region with NDMA, or the v2 device features.
enum class Protocol { kV1, kV2 };

/// When a device that is being loaded notices that something is wrong with its data.
enum class Checks {
  kEarly,  // at the access that brings it, and when RESUMING is left
  kArc,    // when RESUMING is left
  kNone,   // never: it takes any stream
};

/// How a v2 saving stream says in pre-copy that there is nothing at the moment (both occur among drivers).
enum class TemporaryEnd { kNoMessage, kZeroBytes };

/// Whether pre-copy estimates are there, and whether VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 is.
enum class PrecopyReport { kNone, kV1, kV2 };

struct DeviceOptions {
  Protocol protocol = Protocol::kV1;
  std::size_t memoryBytes = 256u << 20;
  std::size_t windowBytes = 4u << 20;
  std::size_t segmentBytes = 1u << 20;
  MmapMode mmap = MmapMode::kFull;
  bool ndma = true;         // v1: offers capability 6 and the NDMA bit; v2: the P2P states
  bool reset = true;        // offers VFIO_DEVICE_FLAGS_RESET
  bool stickyBits = false;  // v1: bits 31:4 of device_state read as a pattern
  Checks checks = Checks::kEarly;
  bool keepDigests = false;  // takes the digests of every stop, for who comes later
  bool preCopy = true;       // v2: offers the pre-copy states
  bool dataSize = true;      // v2: offers VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
  bool dmaLogging = false;   // v2: offers VFIO_DEVICE_FEATURE_DMA_LOGGING_*
  TemporaryEnd temporaryEnd = TemporaryEnd::kNoMessage;
  PrecopyReport precopyReport = PrecopyReport::kV1;
  PciIds ids;
  std::uint64_t seed = 1;  // of the memory's contents
};

/// What a device needs to know of the world around it.
struct DeviceHost {
  std::function<bool(std::uint64_t set)> thawed;  // whether the workload of that set is at work
  std::function<void()> die;                      // ends the process (fault "die")
};

}  // namespace transship::emulator

// The format of the emulated device's migration data. A user of the device must treat it as opaque; the
// device uses it to notice what the NDMA specification forbids (other sizes, order, contents, sessions).
//
//   identity   who was saved: model, memory size, set and slot      always segment 0 of a session
//   memory     a table of page runs, then the pages                 any number, later ones win
//   final      link records, rings, registers                       last; only a stopped device gives it
#pragma once

#include <cstddef>
#include <cstdint>

namespace transship::emulator {

inline constexpr std::uint32_t kSegmentMagic = 0x31445354;  // "TSD1"

enum class SegmentKind : std::uint32_t { kIdentity = 1, kMemory = 2, kFinal = 3 };

struct SegmentHeader {
  std::uint32_t magic = kSegmentMagic;
  SegmentKind kind{};
  std::uint64_t session = 0;  // random per SAVING session
  std::uint64_t index = 0;    // counts from 0 in a session
  std::uint64_t size = 0;     // of the whole segment, this header included
  std::uint64_t extents = 0;  // page runs that follow (memory)
  std::uint64_t high = 0;     // digest over header (with these two zero), table and payload
  std::uint64_t low = 0;
  std::uint64_t reserved = 0;
};
static_assert(sizeof(SegmentHeader) == 64);

struct Identity {
  std::uint32_t vendor = 0;
  std::uint32_t device = 0;
  std::uint32_t revision = 0;
  std::uint32_t attached = 0;  // whether the device belonged to a workload
  std::uint64_t memoryBytes = 0;
  std::uint64_t set = 0;
  std::uint32_t slot = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Identity) == 40);

/// What the final segment carries before the encoded attachment.
struct FinalRegisters {
  std::uint64_t scratch = 0;  // BAR 0 scratch register
};

}  // namespace transship::emulator

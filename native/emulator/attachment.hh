#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace transship::emulator {

/// The sender's half of one link. A loss is counted here: it happens while the sender waits for its own
/// deliveries, hence before its state is final, so that the count can travel with it.
struct OutRecord {
  std::uint32_t to = 0;    // slot of the receiver
  std::uint64_t sent = 0;  // transactions 0 .. sent-1 are out; the next one carries this number
  std::uint64_t lost = 0;  // arrived where nobody took them
};

/// The receiver's half of one link.
struct InRecord {
  std::uint32_t from = 0;      // slot of the sender
  std::uint64_t expected = 0;  // number of the next transaction
  std::uint64_t received = 0;
  std::uint64_t gaps = 0;     // numbers that never came
  std::uint64_t doubles = 0;  // numbers that came again
  std::uint64_t digest = 0;   // over numbers and payloads in order of arrival
};

/// The work that the driver posted: numbered from 1, completed with an interrupt.
struct Ring {
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t gaps = 0;  // submissions that were skipped or repeated
};

/// What a device is on its fabric. All of it is device state: it travels in the migration stream and goes
/// away at RESET.
struct Attachment {
  std::uint64_t set = 0;   // the workload's set; links exist between devices of one set only
  std::uint32_t slot = 0;  // the device's address in the set, whatever index it has on its node
  std::vector<OutRecord> out;
  std::vector<InRecord> in;
  Ring ring;

  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Nothing when the bytes are not exactly one encoded attachment.
  [[nodiscard]] static std::optional<Attachment> decode(std::span<const std::byte> bytes);
};

/// No fabric has more devices than this, so no attachment more links.
inline constexpr std::size_t kMaxDevices = 256;

}  // namespace transship::emulator

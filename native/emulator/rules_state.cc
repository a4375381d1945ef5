// Which values are written to device_state.
#include <array>
#include <bit>

#include "monitor.hh"
#include "state_value.hh"

namespace transship::emulator {
namespace {

using vfio::kStateError;
using vfio::kStateMask;
using vfio::kStateNdma;
using vfio::kStateResuming;
using vfio::kStateRunning;

constexpr std::uint32_t kQuiesced = kStateNdma | kStateRunning;

// The two writes of several bits that a correct user needs: one bit at a time would let DMA through
// (V1-30), or was refused by the device (V1-33).
bool excused(const Observation& seen, const Trace& trace) {
  return (seen.state == 0 && seen.target() == kQuiesced) ||
         (seen.state == kQuiesced && seen.target() == 0 && trace.ndmaStopRefused);
}

constexpr std::array kRules{
    Rule{"V1-05", "a value that is never valid was written to device_state", kStateWrite,
         [](const Observation& seen, const Trace&) { return !isValidState(seen.target()); }},
    Rule{"V1-06", "more than one bit of device_state was changed in one write", kStateWrite,
         [](const Observation& seen, const Trace& trace) {
           return seen.state != kStateError && isValidState(seen.target()) &&
                  std::popcount(seen.state ^ seen.target()) > 1 && !excused(seen, trace);
         }},
    Rule{"V1-12", "a device without RESET was driven through migration states", kStateWrite,
         [](const Observation& seen, const Trace&) { return !seen.hasReset; }},
    Rule{"V1-17", "SAVING and RESUMING were written together", kStateWrite,
         [](const Observation& seen, const Trace&) { return (seen.target() & kStateError) == kStateError; }},
    Rule{"V1-22", "after a refused load something else than RESET was tried", kStateWrite | kDataFields,
         [](const Observation&, const Trace& trace) { return trace.loadRefused; }},
    Rule{"V1-24", "NDMA was written to a device without the capability, or before looking for it",
         kStateWrite,
         [](const Observation& seen, const Trace& trace) {
           return seen.sets(kStateNdma) && (!seen.hasNdma || !trace.lookedUp);
         }},
    Rule{"V1-31", "reserved bits of device_state were changed", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return (static_cast<std::uint32_t>(seen.value) & ~kStateMask) != seen.reserved;
         }},
    Rule{"V1-56", "RESUMING was entered on a device that holds state nobody has reset", kStateWrite,
         [](const Observation& seen, const Trace&) { return seen.sets(kStateResuming) && seen.live; }},
};

}  // namespace

std::span<const Rule> stateRules() { return kRules; }

}  // namespace transship::emulator

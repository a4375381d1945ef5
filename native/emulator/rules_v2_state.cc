// v2: which states are asked for, and what comes after a failure. Items by the comments of vfio.h.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateError;
using vfio::kStateNdma;
using vfio::kStateResuming;
using vfio::kStateRunning;
using vfio::kStateSaving;

constexpr std::uint32_t kAnyData = kDataRead | kDataWrite;

bool stopped(const Observation& seen) { return (seen.state & kStateRunning) == 0; }

constexpr std::array kRules{
    Rule{"V2-01", "a state was asked for before the migration flags were read on this connection",
         kStateWrite, [](const Observation&, const Trace& trace) { return !trace.lookedUp; }},
    Rule{"V2-02", "a state was asked for that the device does not offer", kStateWrite,
         [](const Observation& seen, const Trace&) { return !seen.offered && seen.target() != kStateError; }},
    Rule{"V2-03", "ERROR was asked for", kStateWrite,
         [](const Observation& seen, const Trace&) { return seen.target() == kStateError; }},
    Rule{"V2-04", "after a failed state request something else came before the state was read",
         kStateWrite | kSessionData,
         [](const Observation&, const Trace& trace) { return trace.writeFailed; }},
    Rule{"V2-09", "STOP_COPY was to be left for pre-copy", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.state == kStateSaving && seen.offered && seen.sets(kStateRunning) &&
                  (seen.target() & kStateSaving) != 0;
         }},
    Rule{"V2-15", "after ENODEV from the data stream something else came before the state was read",
         kStateWrite | kSessionData,
         [](const Observation&, const Trace& trace) { return trace.sessionGone; }},
    Rule{"V2-23", "device memory was accessed in a P2P state or while the device is stopped", kBarAccess,
         [](const Observation& seen, const Trace&) {
           return seen.state != kStateError && (stopped(seen) || (seen.state & kStateNdma) != 0);
         }},
    Rule{"V2-24", "after a refused load something else than RESET was tried", kStateWrite | kAnyData,
         [](const Observation&, const Trace& trace) { return trace.loadRefused; }},
    Rule{"V2-25", "a load was broken off by a state request instead of RESET", kStateWrite,
         [](const Observation& seen, const Trace& trace) {
           return seen.state == kStateResuming && seen.target() != kStateResuming && seen.partial &&
                  !trace.loadRefused;
         }},
    Rule{"V2-27", "in ERROR something else than RESET was tried", kStateWrite | kSessionData | kBarAccess,
         [](const Observation& seen, const Trace& trace) {
           return seen.state == kStateError && trace.stateSeen;
         }},
    Rule{"V2-27", "after RESET the device was used before its state was read", kStateWrite | kSessionData,
         [](const Observation&, const Trace& trace) { return trace.resetUnchecked; }},
    Rule{"V2-36", "RESUMING was entered on a device that holds state nobody has reset", kStateWrite,
         [](const Observation& seen, const Trace&) { return seen.sets(kStateResuming) && seen.live; }},
    Rule{"V2-39", "a further message was sent while a state request was carried out", kPiledOn,
         [](const Observation&, const Trace&) { return true; }},
};

}  // namespace

std::span<const Rule> stateRulesV2() { return kRules; }

}  // namespace transship::emulator

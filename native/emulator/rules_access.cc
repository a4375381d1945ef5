// How the registers are reached, and in which order after something went wrong.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateError;
using vfio::kStateRunning;

constexpr std::array kRules{
    Rule{"V1-01", "a device-specific region other than the migration region was used as if it were that",
         kWrongRegion, [](const Observation&, const Trace&) { return true; }},
    Rule{"V1-02", "a field was accessed at another width or alignment than its own", kBadAccess,
         [](const Observation&, const Trace&) { return true; }},
    Rule{"V1-08", "after a failed state write something else came before device_state was read again",
         (kMigrationRegion & ~kStateRead) | kReset | kBarAccess,
         [](const Observation&, const Trace& trace) { return trace.writeFailed; }},
    Rule{"V1-10", "in ERROR something else than RESET was tried",
         (kMigrationRegion & ~kStateRead) | kBarAccess,
         [](const Observation& seen, const Trace&) { return seen.state == kStateError; }},
    Rule{"V1-11", "after RESET the migration region was used before device_state was read",
         kMigrationRegion & ~kStateRead,
         [](const Observation&, const Trace& trace) { return trace.resetUnchecked; }},
    Rule{"V1-14", "device_state was written before it was ever read on this connection", kStateWrite,
         [](const Observation&, const Trace& trace) { return !trace.stateSeen; }},
    Rule{"V1-15", "device memory was accessed while the device is !RUNNING", kBarAccess,
         [](const Observation& seen, const Trace&) {
           return (seen.state & kStateRunning) == 0 && seen.state != kStateError;
         }},
    Rule{"V1-54", "the data loop went on after an access had been answered with an error", kDataFields,
         [](const Observation&, const Trace& trace) { return trace.faulted; }},
};

}  // namespace

std::span<const Rule> accessRules() { return kRules; }

}  // namespace transship::emulator

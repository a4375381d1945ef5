// Collecting a device's data: L370-391 of the NDMA specification.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateResuming;
using vfio::kStateSaving;

bool saving(const Observation& seen) { return (seen.state & kStateSaving) != 0; }
// Whether the user gave up a segment that it could have collected: not one that the device itself had
// answered with an error, or had placed outside of its own region.
bool givenUp(const Observation& seen, const Trace& trace) {
  const bool inside = trace.offset <= seen.windowEnd && trace.size <= seen.windowEnd - trace.offset;
  return saving(seen) && trace.committed && !trace.faulted && inside && !trace.collectedAll(seen.mappable);
}
bool transferring(const Observation& seen) { return (seen.state & (kStateSaving | kStateResuming)) != 0; }

constexpr std::array kRules{
    Rule{"V1-18", "the data window was read outside of SAVING and RESUMING", kDataRead,
         [](const Observation& seen, const Trace&) { return !transferring(seen); }},
    Rule{"V1-40", "pending_bytes was read outside of SAVING", kPendingRead,
         [](const Observation& seen, const Trace&) { return !saving(seen); }},
    Rule{"V1-41", "data_offset was read before pending_bytes had said that there is data", kOffsetRead,
         [](const Observation& seen, const Trace& trace) {
           return saving(seen) && !trace.pendingSeen && !trace.committed;
         }},
    Rule{"V1-41", "data_size was read before data_offset", kSizeRead,
         [](const Observation& seen, const Trace& trace) { return saving(seen) && !trace.committed; }},
    Rule{"V1-41", "data was read before data_offset and data_size", kDataRead,
         [](const Observation& seen, const Trace& trace) {
           return saving(seen) && !(trace.committed && trace.sizeSeen);
         }},
    Rule{"V1-43", "a committed segment was given up by reading pending_bytes", kPendingRead, givenUp},
    Rule{"V1-43", "a committed segment was given up by a state write", kStateWrite, givenUp},
    Rule{"V1-48", "data_offset was read outside of SAVING and RESUMING", kOffsetRead,
         [](const Observation& seen, const Trace&) { return !transferring(seen); }},
    Rule{"V1-48", "data_size was used outside of SAVING and RESUMING", kSizeRead | kSizeWrite,
         [](const Observation& seen, const Trace&) { return !transferring(seen); }},
};

}  // namespace

std::span<const Rule> savingRules() { return kRules; }

}  // namespace transship::emulator

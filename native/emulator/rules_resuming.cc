// Giving a device its data back: L396-416 of the NDMA specification.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateResuming;

bool resuming(const Observation& seen) { return (seen.state & kStateResuming) != 0; }

bool tooLarge(const Observation& seen) {
  return seen.offset > seen.windowEnd || seen.length > seen.windowEnd - seen.offset;
}

constexpr std::array kRules{
    Rule{"V1-19", "segments of two saving sessions were given in one resuming session", kSegmentJudged,
         [](const Observation& seen, const Trace&) { return seen.verdict == Verdict::kSession; }},
    Rule{"V1-49", "data was written before data_offset was read for this segment", kDataWrite,
         [](const Observation& seen, const Trace& trace) { return resuming(seen) && !trace.placeSeen; }},
    Rule{"V1-49", "data_size was written before data_offset was read for this segment", kSizeWrite,
         [](const Observation& seen, const Trace& trace) { return resuming(seen) && !trace.placeSeen; }},
    Rule{"V1-49", "data_size was written though not all of the segment was", kSizeWrite,
         [](const Observation& seen, const Trace& trace) {
           return resuming(seen) && trace.placeSeen && seen.value <= seen.windowEnd &&
                  !trace.storedAll(seen.value, seen.mappable);
         }},
    Rule{"V1-50", "a segment was given in another size than it was collected with", kSegmentJudged,
         [](const Observation& seen, const Trace&) { return seen.verdict == Verdict::kSize; }},
    Rule{"V1-51", "segments were given in another order than they were collected in", kSegmentJudged,
         [](const Observation& seen, const Trace&) { return seen.verdict == Verdict::kOrder; }},
    Rule{"V1-52", "a segment larger than the window was written", kDataWrite,
         [](const Observation& seen, const Trace&) { return resuming(seen) && tooLarge(seen); }},
    Rule{"V1-52", "data_size said more than the window takes", kSizeWrite,
         [](const Observation& seen, const Trace& trace) {
           return resuming(seen) && trace.placeSeen &&
                  (trace.place > seen.windowEnd || seen.value > seen.windowEnd - trace.place);
         }},
};

}  // namespace

std::span<const Rule> resumingRules() { return kRules; }

}  // namespace transship::emulator

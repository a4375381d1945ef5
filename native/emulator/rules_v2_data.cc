// v2: the data stream of a session, and the estimates of what it still has.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateError;
using vfio::kStateResuming;
using vfio::kStateRunning;
using vfio::kStateSaving;

bool preCopying(const Observation& seen) {
  return seen.state != kStateError && (seen.state & kStateSaving) != 0 && (seen.state & kStateRunning) != 0;
}

constexpr std::array kRules{
    Rule{"V2-06", "data was read outside of a saving session", kDataRead,
         [](const Observation& seen, const Trace& trace) {
           return seen.state != kStateError && (seen.state & kStateSaving) == 0 && trace.stateSeen;
         }},
    Rule{"V2-06", "data was written outside of a resuming session", kDataWrite,
         [](const Observation& seen, const Trace& trace) {
           return seen.state != kStateError && (seen.state & kStateResuming) == 0 && trace.stateSeen;
         }},
    Rule{"V2-10", "data was written in another order than it was read in", kSegmentJudged,
         [](const Observation& seen, const Trace&) { return seen.verdict == Verdict::kOrder; }},
    Rule{"V2-11", "data of two saving sessions was written in one resuming session", kSegmentJudged,
         [](const Observation& seen, const Trace&) { return seen.verdict == Verdict::kSession; }},
    Rule{"V2-14", "data was read again after ENOMSG in STOP_COPY", kDataRead,
         [](const Observation&, const Trace& trace) { return trace.messageAtEnd; }},
    Rule{"V2-16", "an estimate was asked for outside of pre-copy", kInfoRead,
         [](const Observation& seen, const Trace& trace) { return !preCopying(seen) && trace.stateSeen; }},
    Rule{"V2-16", "an estimate was asked for with a short argsz or with flags", kInfoRead,
         [](const Observation& seen, const Trace&) { return !seen.wellFormed; }},
    Rule{"V2-20", "the second form of estimates was chosen after one had been asked for", kOptIn,
         [](const Observation&, const Trace& trace) { return trace.infoSeen; }},
    Rule{
        "V2-36", "data was written while bus mastering is on", kDataWrite,
        [](const Observation& seen, const Trace&) { return seen.state == kStateResuming && seen.busMaster; }},
};

}  // namespace

std::span<const Rule> dataRulesV2() { return kRules; }

}  // namespace transship::emulator

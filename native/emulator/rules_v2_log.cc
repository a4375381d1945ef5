// v2: DMA logging.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

bool stopped(const Observation& seen) { return (seen.state & vfio::kStateRunning) == 0; }

constexpr std::array kRules{
    Rule{"V2-31", "DMA logging was started twice without a stop in between", kLogStart,
         [](const Observation& seen, const Trace&) { return seen.logging; }},
    Rule{"V2-31",
         "DMA logging was started with too many ranges, or with ranges that overlap or are unaligned",
         kLogStart, [](const Observation& seen, const Trace&) { return !seen.wellFormed; }},
    Rule{"V2-31", "DMA logging was reported or stopped without having been started", kLogReport | kLogStop,
         [](const Observation& seen, const Trace&) { return !seen.logging; }},
    Rule{"V2-32", "a report was asked of memory that is not being logged", kLogReport,
         [](const Observation& seen, const Trace&) { return seen.logging && !seen.wellFormed; }},
    Rule{"V2-33", "the DMA log was used again after a report had failed", kLogReport,
         [](const Observation&, const Trace& trace) { return trace.reportFailed; }},
    Rule{"V2-34", "DMA logging was stopped after a completed save without a report since the device stopped",
         kLogStop,
         [](const Observation& seen, const Trace& trace) {
           return seen.logging && stopped(seen) && trace.streamEnded && !trace.reportedSince;
         }},
};

}  // namespace

std::span<const Rule> logRulesV2() { return kRules; }

}  // namespace transship::emulator

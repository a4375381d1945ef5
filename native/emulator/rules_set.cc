// What holds for a device as one of a set: the workload is frozen first, and nobody goes ahead of its peers.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateNdma;
using vfio::kStateRunning;

constexpr std::array kRules{
    Rule{"V1-15", "RUNNING was cleared while the workload still uses the device", kStateWrite,
         [](const Observation& seen, const Trace&) { return seen.clears(kStateRunning) && seen.thawed; }},
    Rule{"V1-25", "a device without NDMA was stopped while it has peers", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.clears(kStateRunning) && !seen.hasNdma && seen.peers.present > 0;
         }},
    Rule{"V1-26", "a device was stopped while a peer may still do DMA", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.clears(kStateRunning) && seen.peers.mayInitiate > 0;
         }},
    Rule{"V1-27", "a device was let loose (RUNNING without NDMA) before all its peers run", kStateWrite,
         [](const Observation& seen, const Trace&) {
           const bool wasLoose = (seen.state & (kStateRunning | kStateNdma)) == kStateRunning;
           const bool isLoose = (seen.target() & (kStateRunning | kStateNdma)) == kStateRunning;
           return isValidState(seen.target()) && isLoose && !wasLoose && seen.peers.notRunning > 0;
         }},
    Rule{"V1-30", "RUNNING was set or cleared without NDMA on a device that has it and has peers",
         kStateWrite,
         [](const Observation& seen, const Trace&) {
           const bool leaksDown = seen.clears(kStateRunning) && (seen.state & kStateNdma) == 0;
           const bool leaksUp = seen.sets(kStateRunning) && (seen.value & kStateNdma) == 0;
           return (leaksDown || leaksUp) && seen.hasNdma && seen.peers.present > 0;
         }},
};

}  // namespace

std::span<const Rule> setRules() { return kRules; }

}  // namespace transship::emulator

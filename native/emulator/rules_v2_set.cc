// v2: what holds for a device as one of a set. Nobody goes ahead of its peers, and nobody is driven through
// several arcs at once, since each of the arcs has a barrier of its own.
#include <array>

#include "monitor.hh"

namespace transship::emulator {
namespace {

using vfio::kStateNdma;
using vfio::kStateRunning;
using vfio::kStateSaving;

constexpr std::uint32_t kLoose = kStateRunning | kStateNdma;

bool isLoose(std::uint32_t nibble) { return (nibble & kLoose) == kStateRunning; }

// A device that gives up saving may be sent home in one request.
bool unwinds(const Observation& seen) {
  return (seen.state & kStateSaving) != 0 && (seen.target() & kStateSaving) == 0 &&
         (seen.target() & kStateRunning) != 0;
}

constexpr std::array kRules{
    Rule{"V2-05", "a device that has peers was sent over several arcs in one request", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.arcs > 1 && seen.peers.present > 0 && !unwinds(seen);
         }},
    Rule{"V2-21", "a device was stopped while a peer may still do DMA into it", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.arcs > 0 && seen.clears(kStateRunning) && seen.peers.mayInitiate > 0;
         }},
    Rule{"V2-21", "a device was let loose before all its peers take DMA", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.arcs > 0 && isLoose(seen.target()) && !isLoose(seen.state) &&
                  seen.peers.notRunning > 0;
         }},
    Rule{"V2-22", "a device without P2P states was stopped while it has peers", kStateWrite,
         [](const Observation& seen, const Trace&) {
           return seen.arcs > 0 && seen.clears(kStateRunning) && !seen.hasNdma && seen.peers.present > 0;
         }},
    Rule{"V2-23", "the device was quiesced or stopped while the workload still uses it", kStateWrite,
         [](const Observation& seen, const Trace&) {
           const bool quiesces = seen.sets(kStateNdma) && (seen.state & kStateRunning) != 0;
           return seen.arcs > 0 && seen.thawed && (quiesces || seen.clears(kStateRunning));
         }},
};

}  // namespace

std::span<const Rule> setRulesV2() { return kRules; }

}  // namespace transship::emulator

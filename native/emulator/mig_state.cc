#include "mig_state.hh"

#include <algorithm>
#include <deque>
#include <map>

namespace transship::emulator {
namespace {

constexpr std::uint32_t kStop = kNibbles[1], kRunning = kNibbles[2], kStopCopy = kNibbles[3],
                        kResuming = kNibbles[4], kRunningP2p = kNibbles[5], kPreCopy = kNibbles[6],
                        kPreCopyP2p = kNibbles[7];

bool saving(std::uint32_t nibble) { return (nibble & vfio::kStateSaving) != 0; }

// Whether vfio.h defines this one arc for a device with these features.
bool hasArc(MigFeatures features, std::uint32_t from, std::uint32_t to) {
  const auto between = [&](std::uint32_t a, std::uint32_t b) {
    return (from == a && to == b) || (from == b && to == a);
  };
  const auto along = [&](std::uint32_t a, std::uint32_t b) { return from == a && to == b; };
  if (between(kResuming, kStop) || between(kStop, kStopCopy)) {
    return true;
  }
  if (features.p2p ? between(kRunning, kRunningP2p) || between(kRunningP2p, kStop)
                   : between(kRunning, kStop)) {
    return true;
  }
  if (!features.preCopy) {
    return false;
  }
  if (between(kRunning, kPreCopy)) {
    return true;
  }
  return features.p2p ? between(kPreCopy, kPreCopyP2p) || between(kRunningP2p, kPreCopyP2p) ||
                            along(kPreCopyP2p, kStopCopy)
                      : along(kPreCopy, kStopCopy);
}

}  // namespace

bool offersState(MigFeatures features, std::uint32_t nibble) noexcept {
  if (nibble == kNoState || nibble == vfio::kStateError) {
    return false;
  }
  const bool p2p = (nibble & vfio::kStateNdma) != 0;
  const bool preCopy = saving(nibble) && (nibble & vfio::kStateRunning) != 0;
  return (!p2p || features.p2p) && (!preCopy || features.preCopy);
}

std::optional<std::vector<std::uint32_t>> migPath(MigFeatures features, std::uint32_t from,
                                                  std::uint32_t to) {
  const bool backwards = from == kStopCopy && (to == kPreCopy || to == kPreCopyP2p);
  if (from == vfio::kStateError || !offersState(features, to) || backwards) {
    return std::nullopt;
  }
  // A session must not be opened and closed on the way, so a state of the saving group is passed through
  // only when the path begins and ends in that group.
  const bool throughSaving = saving(from) && saving(to);
  std::map<std::uint32_t, std::uint32_t> cameFrom{{from, from}};
  for (std::deque<std::uint32_t> open{from}; !open.empty(); open.pop_front()) {
    const std::uint32_t at = open.front();
    if (at != from && saving(at) && !throughSaving) {
      continue;
    }
    for (const std::uint32_t next : kNibbles) {
      if (hasArc(features, at, next) && cameFrom.emplace(next, at).second) {
        open.push_back(next);
      }
    }
  }
  if (!cameFrom.contains(to)) {
    return std::nullopt;
  }
  std::vector<std::uint32_t> path;
  for (std::uint32_t at = to; at != from; at = cameFrom.at(at)) {
    path.push_back(at);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace transship::emulator

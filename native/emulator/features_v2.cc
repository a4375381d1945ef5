// The v2 state machine.
#include "features_v2.hh"

#include <cerrno>

namespace transship::emulator {

using std::chrono::milliseconds;
using vfio::kStateRunning;

FeaturesV2::FeaturesV2(DeviceCore& core) : Front(core) { update(); }

// Brings what others see up to date with what is.
void FeaturesV2::update() {
  const std::uint32_t number = pretended_.value_or(numberOf(core_.state()));
  show(number, nibbleOf(number));
}

void FeaturesV2::changed() {
  forgetSession();
  pretended_.reset();
  update();
}

int FeaturesV2::changeByItself(std::uint32_t nibble) {
  const int error = walk(nibble);
  update();
  return error;
}

// The kernel undoes these when a device is closed.
void FeaturesV2::userChanged() {
  optedIn_ = false;
  core_.dma().stopLog();
}

MigFeatures FeaturesV2::features() const { return {core_.options().ndma, core_.options().preCopy}; }

std::uint64_t FeaturesV2::migrationFlags() {
  core_.monitor().noteLookedUp();
  return vfio::kMigrationStopCopy | (core_.options().ndma ? vfio::kMigrationP2p : 0) |
         (core_.options().preCopy ? vfio::kMigrationPreCopy : 0);
}

int FeaturesV2::featureFault(std::uint32_t feature) {
  const auto fault = core_.faults().take(FaultKind::kFeatureFault, [feature](const Fault& one) {
    return one.feature.value_or(feature) == feature;
  });
  return fault ? fault->error : 0;
}

std::uint32_t FeaturesV2::getState() {
  const Observation seen = core_.observe(kStateRead);
  core_.monitor().judge(seen);
  countStateRead();
  update();
  core_.monitor().note(seen, 0);
  return shown();
}

int FeaturesV2::setState(std::uint32_t number) {
  const std::uint32_t target = nibbleOf(number);
  const auto path = migPath(features(), core_.state(), target);
  Observation seen = core_.observe(kStateWrite);
  seen.value = target;
  seen.arcs = path ? path->size() : 0;
  seen.offered = offersState(features(), target);
  seen.partial = loadPartial();
  core_.observeSet(seen);
  core_.monitor().judge(seen);
  const bool loading = core_.resuming();
  pretended_.reset();
  const int error = changeState(path);
  update();
  if (error != 0 && loading && core_.resuming()) {
    core_.monitor().noteLoadRefused();
  }
  core_.monitor().note(seen, error);
  return error;
}

void FeaturesV2::notePiledOn() { core_.monitor().judge(core_.observe(kPiledOn)); }

// A SET that fails on its way leaves the device where it has come to.
int FeaturesV2::changeState(const std::optional<std::vector<std::uint32_t>>& path) {
  if (!path) {
    return EINVAL;
  }
  for (const std::uint32_t next : *path) {
    if (const int error = arc(next); error != 0) {
      return error;
    }
  }
  return 0;
}

int FeaturesV2::arc(std::uint32_t next) {
  FaultSet& faults = core_.faults();
  const auto applies = [next](const Fault& fault) {
    return !fault.to || fault.to->nibble(Protocol::kV2) == next;
  };
  if (faults.take(FaultKind::kDie, [&](const Fault& fault) { return fault.onArc && applies(fault); })) {
    core_.host().die();
  }
  if (const auto stall = faults.take(FaultKind::kStallArc, applies)) {
    core_.pause(milliseconds(stall->ms));
  }
  if (const auto refuse = faults.take(FaultKind::kRefuseArc, applies)) {
    return refuse->error;
  }
  if (const auto fault = faults.take(FaultKind::kErrorOnArc, applies)) {
    core_.enterError();
    forgetSession();
    return fault->error;
  }
  if (const auto fault = faults.take(FaultKind::kWrongState, applies)) {
    pretended_ = fault->state->shown(Protocol::kV2);
    return fault->error;
  }
  const int error = walk(next);
  update();
  return error;
}

// The saving group shares one session; every other change of the group ends the one and begins the other.
int FeaturesV2::walk(std::uint32_t next) {
  const bool wasSaving = core_.saving();
  const int error = core_.walk(next);
  if (error == 0 && !(wasSaving && core_.saving())) {
    forgetSession();
  }
  return error;
}

void FeaturesV2::forgetSession() {
  current_.reset();
  position_ = have_ = want_ = 0;
  lost_ = false;
}

}  // namespace transship::emulator

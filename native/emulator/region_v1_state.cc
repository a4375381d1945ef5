// Writes to device_state.
#include <cerrno>

#include "common/mutant.hh"
#include "region_v1.hh"
#include "state_value.hh"

namespace transship::emulator {

using std::chrono::milliseconds;
using vfio::kStateMask;
using vfio::kStateNdma;
using vfio::kStateRunning;

// Brings what others see up to date with what is.
void RegionV1::update() {
  const std::uint32_t nibble = pretended_.value_or(core_.state()) & kStateMask;
  show(nibble | reserved_, nibble);
}

void RegionV1::changed() {
  committed_.reset();
  place_.reset();
  pretended_.reset();
  update();
}

int RegionV1::changeByItself(std::uint32_t nibble) {
  const int error = walk(nibble);
  update();
  return error;
}

int RegionV1::changeState(std::uint32_t value) {
  const std::uint32_t target = value & kStateMask;
  FaultSet& faults = core_.faults();
  const auto applies = [target](const Fault& fault) {
    return !fault.to || fault.to->nibble(Protocol::kV1) == target;
  };
  if (faults.take(FaultKind::kDie, [&](const Fault& fault) { return fault.onArc && applies(fault); })) {
    core_.host().die();
  }
  if (const auto stall = faults.take(FaultKind::kStallArc, applies)) {
    core_.pause(milliseconds(stall->ms));
  }
  pretended_.reset();
  update();
  if (core_.failed()) {
    return EIO;
  }
  if (const auto refuse = faults.take(FaultKind::kRefuseArc, applies)) {
    return refuse->error;
  }
  if (const auto fault = faults.take(FaultKind::kErrorOnArc, applies)) {
    core_.enterError();
    changed();
    return fault->error;
  }
  if (const auto fault = faults.take(FaultKind::kWrongState, applies)) {
    pretended_ = fault->state->nibble(Protocol::kV1);
    update();
    return fault->error;
  }
  const bool acceptable = (isValidState(target) || TRANSSHIP_MUTANT("D-09")) &&
                          ((target & kStateNdma) == 0 || core_.options().ndma || TRANSSHIP_MUTANT("D-15"));
  if (!acceptable) {
    return EINVAL;
  }
  if (TRANSSHIP_MUTANT("D-18") && (target & (kStateNdma | kStateRunning)) == kStateNdma) {
    return EINVAL;
  }
  const std::uint32_t before = core_.state();
  const int error = walk(target);
  if (error != 0 && TRANSSHIP_MUTANT("D-07")) {
    pretended_ = 0;
  }
  if (error == 0 && TRANSSHIP_MUTANT("D-04") && before != target) {
    pretended_ = before;  // done only when somebody looks for the second time
  }
  update();
  return error;
}

// Segments that are under way belong to their session.
int RegionV1::walk(std::uint32_t target) {
  const bool wasSaving = core_.saving();
  const bool wasResuming = core_.resuming();
  const int error = core_.walk(target);
  if (error == 0 && (!wasSaving || !core_.saving())) {
    committed_.reset();
    zeroSeen_ = false;
  }
  if (error == 0 && (!wasResuming || !core_.resuming())) {
    place_.reset();
  }
  return error;
}

}  // namespace transship::emulator

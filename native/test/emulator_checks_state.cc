// D-03 to D-09, D-15, D-18: what device_state says and takes.
#include <array>

#include "emulator_checks.hh"
#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

std::string d03() {
  Rig rig(1, {"--traffic", "off"});
  MUST(rig[0].get(0, 4) == 1u);
  MUST(rig[0].set(0x9) == 0);
  MUST(rig[0].reset() == 0);
  MUST(rig[0].get(0, 4) == 1u);
  return {};
}

std::string d04() {
  Rig rig(1, {"--traffic", "off"});
  for (const std::uint32_t state : {0x3u, 0xBu, 0xAu, 0x2u, 0x0u, 0x9u, 0x1u}) {
    MUST(rig[0].put(0, state, 4) == 0);
    MUST(rig[0].state() == state);  // the first look after the write, with no time in between
  }
  return {};
}

std::string d05() {
  Rig rig(2, {"--link-latency", "20ms", "--link-rate", "200"});
  rig->workload(0).freeze();
  MUST(rig.all({0x9, 0x8, 0x0}) == 0);
  const std::uint64_t sent = rig.sum(&LinkReport::sentHere);
  MUST(rig[0].set(0x9) == 0 && rig[0].state() == 0x9);
  MUST(rig.sum(&LinkReport::sentHere) == sent);  // never was RUNNING without NDMA
  MUST(rig[0].set(0x0) == 0);
  MUST(rig.sum(&LinkReport::sentHere) == sent);
  MUST(rig[0].set(0x3) == 0 && rig[0].set(0xA) == 0 && rig[0].set(0x4) == 0 && rig[0].state() == 0x4);
  return {};
}

// A user that only reads changes nothing, whatever it reads and however long it takes.
std::string d06() {
  Rig rig(1, {"--dirty-rate", "4M"});
  rig->workload(0).freeze();
  for (const std::uint32_t state : {0x3u, 0xBu, 0xAu, 0x2u}) {
    MUST(rig[0].set(state) == 0);
    rig[0].segments(20);
    sleepMs(5);
    MUST(rig[0].state() == state);
  }
  return {};
}

std::string d07() {
  Rig rig(1, {"--traffic", "off"});
  MUST(rig[0].walk({0x0, 0x4}) == 0);
  MUST(rig[0].set(0x0) == EINVAL);  // nothing was loaded
  MUST(rig[0].state() == 0x4 || rig[0].state() == 0x6);
  MUST(rig[0].set(0x9) == EINVAL);
  MUST(rig[0].state() == 0x4 || rig[0].state() == 0x6);
  return {};
}

std::string d08() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  for (const std::uint32_t state : {0x0u, 0x1u, 0x2u, 0x3u, 0x4u, 0x8u, 0x9u, 0xAu, 0xBu, 0xCu}) {
    MUST((state & 0x1) != 0 ? user.set(state) == 0 : user.walk({0x0, state}) == 0);
    MUST(user.reset() == 0);
    MUST(user.state() == 1);
  }
  MUST(rig.fault(0, "error-on-arc", "to=0x0").empty());
  MUST(user.set(0x0) != 0 && user.state() == 0x6);
  MUST(user.reset() == 0 && user.state() == 1);
  return {};
}

std::string d09() {
  Rig rig(1, {"--traffic", "off"});
  for (const std::uint32_t state : {0x1u, 0x3u, 0xBu, 0x2u, 0x0u}) {
    MUST(rig[0].set(state) == 0);
    for (const std::uint32_t never : {0x5u, 0x6u, 0x7u, 0xDu, 0xEu, 0xFu}) {
      MUST(rig[0].set(never) == EINVAL);
      MUST(rig[0].state() == state);
    }
  }
  return {};
}

std::string d15() {
  Rig rig(2, {"--traffic", "off", "--no-ndma", "1"});
  const auto offers = [&rig](std::size_t index) {
    RegionDescription region;
    rig[index].device().describeRegion(rig[index].migrationRegion(), region);
    for (std::size_t at = 0; at + sizeof(vfio::InfoCapHeader) <= region.capabilities.size();) {
      const auto* const header = reinterpret_cast<const vfio::InfoCapHeader*>(&region.capabilities[at]);
      if (header->id == vfio::kRegionInfoCapMigNdma) {
        return true;
      }
      if (header->next == 0) {
        break;
      }
      at = header->next - sizeof(vfio::RegionInfo);
    }
    return false;
  };
  MUST(offers(0) && !offers(1));
  MUST(rig[0].set(0x9) == 0);
  MUST(rig[1].set(0x9) == EINVAL && rig[1].state() == 1);
  MUST(rig[1].set(0x0) == 0);
  MUST(rig[1].set(0x8) == EINVAL && rig[1].state() == 0);
  return {};
}

std::string d18() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.walk({0x9, 0x8}) == 0 && user.state() == 0x8);
  const auto stopped = user.device().digests();
  MUST(stopped.has_value());
  MUST(user.set(0x0) == 0);
  MUST(user.device().digests()->all == stopped->all);
  MUST(user.walk({0x2, 0xA}) == 0);
  MUST(user.segments().size() > 1);
  MUST(user.walk({0x2, 0x0, 0x4, 0xC, 0x4}) == 0);
  return {};
}

constexpr std::array kChecks{Check{"D-03", d03}, Check{"D-04", d04}, Check{"D-05", d05},
                             Check{"D-06", d06}, Check{"D-07", d07}, Check{"D-08", d08},
                             Check{"D-09", d09}, Check{"D-15", d15}, Check{"D-18", d18}};

}  // namespace

std::span<const Check> stateChecks() { return kChecks; }

}  // namespace transship::emulator::test

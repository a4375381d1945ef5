// D-01, D-02, D-19, D-27, D-28, D-11, D-12: where things are, and who may touch them when.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "emulator_checks.hh"
#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

std::string d01() {
  Rig rig(1);
  User& user = rig[0];
  MUST(user.migrationRegion() >
       vfio::kPciNumRegions);  // found by type, behind another device-specific region
  MUST(user.get(0, 4) == 1u);
  MUST(user.get(4, 4) == 0u);
  MUST(user.walk({0x3}) == 0);
  MUST(user.get(8, 8).value_or(0) > 0);
  MUST(user.get(16, 8).value_or(0) >= 4096);
  MUST(user.get(24, 8).value_or(0) > 0);
  return {};
}

std::string d02() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  for (std::uint64_t offset = 0; offset < 40; ++offset) {
    for (const std::uint32_t width : {1u, 2u, 4u, 8u}) {
      const bool native = (width == 4 && (offset == 0 || offset == 4)) ||
                          (width == 8 && (offset == 8 || offset == 16 || offset == 24));
      if (native) {
        continue;
      }
      MUST(!user.get(offset, width).has_value() && user.error() == EINVAL);
      MUST(user.put(offset, 0, width) == EINVAL);
    }
  }
  MUST(user.state() == 1);
  return {};
}

std::string d19() {
  Rig rig(1, {"--traffic", "off", "--sticky-bits"});
  User& user = rig[0];
  const std::uint64_t pattern = user.get(0, 4).value_or(0) & ~0xFull;
  MUST(pattern != 0);
  MUST(user.get(4, 4) == 0u);
  MUST(user.put(4, 0xFFFFFFFF, 4) == 0);
  MUST(user.get(4, 4) == 0u);
  MUST(user.set(0x3) == 0);
  MUST(user.get(0, 4) == (pattern | 0x3));
  MUST(rig.items().empty());
  MUST(user.put(0, 0x1, 4) == 0);  // forgets the reserved bits
  MUST(rig.items() == std::vector<std::string>{"V1-31"});
  MUST(user.get(0, 4) == (pattern | 0x1));
  return {};
}

std::string d11() {
  Rig rig(1);
  User& user = rig[0];
  rig->workload(0).freeze();
  for (const std::uint32_t state : {0x9u, 0x8u, 0x0u, 0x2u}) {
    MUST(user.set(state) == 0);
    MUST(user.bytes(vfio::kPciConfigRegionIndex, 0, 2).has_value());
    const std::uint16_t command = 0x0402;
    MUST(user.device().write(vfio::kPciConfigRegionIndex, 4, std::as_bytes(std::span(&command, 1))) == 0);
    const std::uint32_t address = 0xFEE00000 + state;
    MUST(user.device().write(kMsixBar, 0, std::as_bytes(std::span(&address, 1))) == 0);
    const auto back = user.bytes(kMsixBar, 0, 4);
    MUST(back.has_value() && std::memcmp(back->data(), &address, 4) == 0);
  }
  MUST(rig.items().empty());
  return {};
}

std::string d12() {
  Rig rig(2);
  rig->workload(0).freeze();
  MUST(rig.all({0x9, 0x8, 0x0}) == 0);
  const auto before = rig[0].device().digests();
  const std::uint64_t value = 42;
  MUST(rig[0].bytes(kBar0, 0, 8) == Bytes(8, std::byte{0xFF}));
  MUST(rig[0].device().write(kBar0, 0x18, std::as_bytes(std::span(&value, 1))) == 0);
  MUST(!rig.died());
  MUST(rig[0].device().digests()->all == before->all);
  MUST(rig[1].state() == 0);
  MUST((rig.items() == std::vector<std::string>{"V1-15", "V1-15"}));
  return {};
}

// Maps what the sparse-mmap capability names and compares it with what messages read, for every mode.
std::string d27() {
  for (const char* const mode : {"full", "mixed", "none"}) {
    Rig rig(1, {"--traffic", "off", "--mmap", mode});
    User& user = rig[0];
    RegionDescription region;
    MUST(user.device().describeRegion(user.migrationRegion(), region) == 0);
    const bool mappable = (region.flags & vfio::kRegionFlagMmap) != 0;
    MUST(mappable == (std::string_view(mode) != "none"));
    MUST(mappable == (region.fd >= 0));
    MUST(user.set(0x3) == 0);
    void* map = MAP_FAILED;
    if (mappable) {
      map = ::mmap(nullptr, region.size, PROT_READ, MAP_SHARED, region.fd, 0);
      MUST(map != MAP_FAILED);
    }
    while (user.pending() != 0) {
      const auto place = user.place();
      const auto segment = user.segment();
      MUST(place.has_value() && segment.has_value());
      if (mappable &&
          std::memcmp(static_cast<std::byte*>(map) + *place, segment->data(), segment->size()) != 0) {
        return "the map shows something else than messages do";
      }
    }
    if (mappable) {
      ::munmap(map, region.size);
    }
    MUST(rig.items().empty());
  }
  return {};
}

std::string d28() {
  struct Access {
    const char* reg;
    bool write;
    std::uint32_t state;
    std::function<int(User&)> run;
  };
  const auto reading = [](std::uint64_t offset, std::uint32_t width) {
    return [=](User& user) { return user.get(offset, width) ? 0 : user.error(); };
  };
  const std::array<Access, 9> accesses{{
      {"device_state", false, 0x3, reading(0, 4)},
      {"device_state", true, 0x3, [](User& user) { return user.put(0, 0x1, 4); }},
      {"pending_bytes", false, 0x3, reading(8, 8)},
      {"data_offset", false, 0x3, reading(16, 8)},
      {"data_size", false, 0x3, reading(24, 8)},
      {"data", false, 0x3, reading(4096, 8)},
      {"data_offset", false, 0x4, reading(16, 8)},
      {"data_size", true, 0x4, [](User& user) { return user.put(24, 64, 8); }},
      {"data", true, 0x4, [](User& user) { return user.put(4096, 0, 8); }},
  }};
  for (const Access& access : accesses) {
    Rig rig(1, {"--traffic", "off"});
    User& user = rig[0];
    MUST(access.state == 0x3 ? user.set(0x3) == 0 : user.walk({0x0, 0x4}) == 0);
    const std::string arguments = std::string("register=") + access.reg + ",errno=EFAULT,count=1";
    MUST(rig.fault(0, access.write ? "write-fault" : "read-fault", arguments).empty());
    MUST(access.run(user) == EFAULT);
    MUST(access.run(user) != EFAULT);
  }
  return {};
}

constexpr std::array kChecks{Check{"D-01", d01}, Check{"D-02", d02}, Check{"D-11", d11}, Check{"D-12", d12},
                             Check{"D-19", d19}, Check{"D-27", d27}, Check{"D-28", d28}};

}  // namespace

std::span<const Check> registerChecks() { return kChecks; }

}  // namespace transship::emulator::test

// D-13, D-20 to D-25: giving data away.
#include <array>
#include <cstring>

#include "emulator_checks.hh"
#include "emulator_rig.hh"
#include "segment.hh"

namespace transship::emulator::test {
namespace {

SegmentHeader headerOf(const Bytes& segment) {
  SegmentHeader header;
  std::memcpy(&header, segment.data(), std::min(sizeof(header), segment.size()));
  return header;
}

// Whether a fresh device of the same kind accepts the stream.
bool accepted(const std::vector<Bytes>& stream) {
  Rig target(1, {"--traffic", "off", "--seed", "77"});
  return target[0].walk({0x0, 0x4}) == 0 && target[0].load(stream) == 0 && target[0].set(0x0) == 0;
}

std::string d13() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.set(0x3) == 0);
  const auto first = user.segment();
  MUST(user.pending() > 0);
  MUST(first && headerOf(*first).index == 0);
  const auto place = user.place();
  MUST(place.has_value());
  MUST(user.set(0x1) == 0);
  MUST(!user.bytes(user.migrationRegion(), *place, 8).has_value());
  MUST(user.set(0x3) == 0);
  const auto again = user.segment();
  MUST(again && headerOf(*again).index == 0 && headerOf(*again).session != headerOf(*first).session);
  return {};
}

std::string d20() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.walk({0x0, 0x2}) == 0);
  std::vector<Bytes> stream;
  while (user.pending() != 0) {
    const std::uint64_t pending = user.pending();
    MUST(user.pending() == pending && pending != 0);
    auto segment = user.segment();
    MUST(segment.has_value());
    stream.push_back(std::move(*segment));
  }
  MUST(accepted(stream));
  return {};
}

std::string d21() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.walk({0x0, 0x2}) == 0);
  std::vector<Bytes> stream;
  std::uint64_t moved = 0;
  std::uint64_t last = 0;
  while (user.pending() != 0) {
    const auto place = user.place();
    const auto size = user.size();
    MUST(user.place() == place && user.size() == size && user.place() == place);
    moved += last != 0 && *place != last ? 1 : 0;
    last = *place;
    const auto data = user.bytes(user.migrationRegion(), *place, static_cast<std::uint32_t>(*size));
    MUST(data.has_value());
    stream.push_back(*data);
  }
  MUST(moved > 0);
  MUST(accepted(stream));
  return {};
}

std::string d22() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.walk({0x0, 0x2}) == 0);
  std::vector<Bytes> stream;
  for (std::uint32_t piece = 13; user.pending() != 0; piece = piece * 3 % 997 + 1) {
    auto segment = user.segment(piece);
    MUST(segment.has_value());
    stream.push_back(std::move(*segment));
  }
  MUST(accepted(stream));
  MUST(rig.items().empty());
  return {};
}

std::string d23() {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  MUST(user.walk({0x0, 0x2}) == 0);
  MUST(user.pending() > 0);
  const auto first = user.segment();
  MUST(user.pending() > 0);
  const auto lost = user.place();  // committed, never collected
  MUST(lost.has_value() && user.size().has_value());
  MUST(user.pending() > 0);
  const auto third = user.segment();
  MUST(first && headerOf(*first).index == 0);
  MUST(third && headerOf(*third).index == 2);
  return {};
}

std::string d24() {
  Rig rig(1, {"--traffic", "off", "--dirty-rate", "8M"});
  User& user = rig[0];
  MUST(user.set(0x3) == 0);
  std::vector<Bytes> stream = user.segments();  // caught up for a moment
  MUST(user.pending() == 0 || eventually([&] {
         auto more = user.segments();
         stream.insert(stream.end(), more.begin(), more.end());
         return user.pending() == 0;
       }));
  MUST(eventually([&] { return user.pending() != 0; }));  // the device has worked on
  MUST(user.set(0x2) == 0);
  const auto rest = user.segments();
  stream.insert(stream.end(), rest.begin(), rest.end());
  for (int i = 0; i < 5; ++i) {
    MUST(user.pending() == 0);
    sleepMs(2);
  }
  MUST(accepted(stream));
  return {};
}

std::string d25() {
  for (const std::size_t collected : {std::size_t{0}, std::size_t{1}, std::size_t{4}}) {
    Rig rig(1, {"--traffic", "off"});
    User& user = rig[0];
    MUST(user.set(0x3) == 0);
    std::vector<Bytes> stream = user.segments(collected);
    MUST(stream.size() == collected && user.pending() > 0);
    MUST(user.set(0x2) == 0);
    const auto rest = user.segments();
    stream.insert(stream.end(), rest.begin(), rest.end());
    MUST(accepted(stream));
  }
  return {};
}

constexpr std::array kChecks{Check{"D-13", d13}, Check{"D-20", d20}, Check{"D-21", d21}, Check{"D-22", d22},
                             Check{"D-23", d23}, Check{"D-24", d24}, Check{"D-25", d25}};

}  // namespace

std::span<const Check> savingChecks() { return kChecks; }

}  // namespace transship::emulator::test

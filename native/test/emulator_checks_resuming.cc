// D-14, D-26: what a device that is being loaded refuses.
#include <array>

#include "emulator_checks.hh"
#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

const std::vector<std::string> kTarget{"--traffic", "off", "--seed", "77"};

std::vector<Bytes> stream(std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"--topology", "none"});
  Rig source(1, options);
  source->workload(0).freeze();
  source[0].walk({0x0, 0x2});
  return source[0].segments();
}

// Whether the device took all of it and left RESUMING; it must be RESUMING or ERROR otherwise.
bool taken(const std::vector<Bytes>& segments, const std::vector<std::string>& options = kTarget) {
  Rig target(1, options);
  User& user = target[0];
  if (user.walk({0x0, 0x4}) != 0) {
    return false;
  }
  user.load(segments);  // an error may come here or below
  return user.set(0x0) == 0 && user.state() == 0;
}

std::string d14() {
  const auto whole = stream();
  MUST(whole.size() > 4);
  MUST(taken(whole));
  MUST(!taken({}));
  MUST(!taken({whole.begin(), whole.end() - 1}));    // the end is missing
  MUST(!taken({whole.begin(), whole.begin() + 1}));  // only the introduction
  MUST(!taken({whole.begin() + 1, whole.end()}));    // without the introduction
  MUST(!taken({Bytes(4096, std::byte{7})}));         // no data of this device at all
  MUST(!taken(stream({"--device-id", "beef"})));     // another model
  MUST(!taken(stream({"--memory", "256K"})));        // another size
  auto altered = whole;
  altered[2][altered[2].size() / 2] ^= std::byte{1};
  MUST(!taken(altered));
  auto gullible = kTarget;
  gullible.push_back("--gullible");
  MUST(taken(altered, gullible));
  MUST(taken({}, gullible));
  return {};
}

std::string d26() {
  const auto whole = stream();
  MUST(taken(whole));
  auto swapped = whole;
  std::swap(swapped[1], swapped[2]);
  MUST(!taken(swapped));
  auto doubled = whole;
  doubled.insert(doubled.begin() + 2, doubled[2]);
  MUST(!taken(doubled));
  auto longer = whole;
  longer[1].resize(longer[1].size() + 8);
  MUST(!taken(longer));
  auto merged = whole;
  merged[2].insert(merged[2].end(), merged[3].begin(), merged[3].end());
  merged.erase(merged.begin() + 3);
  MUST(!taken(merged));
  auto split = whole;
  const auto middle = split[2].begin() + static_cast<std::ptrdiff_t>(split[2].size() / 2);
  const Bytes second(middle, split[2].end());
  split[2].resize(split[2].size() / 2);
  split.insert(split.begin() + 3, second);
  MUST(!taken(split));
  auto mixed = whole;
  const auto other = stream();
  mixed[2] = other[2];  // of another session of an equal device
  MUST(!taken(mixed));
  return {};
}

constexpr std::array kChecks{Check{"D-14", d14}, Check{"D-26", d26}};

}  // namespace

std::span<const Check> resumingChecks() { return kChecks; }

}  // namespace transship::emulator::test

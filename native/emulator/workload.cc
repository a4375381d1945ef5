#include "workload.hh"

#include <cstdio>

#include "bytes.hh"
#include "hash.hh"
#include "random.hh"

namespace transship::emulator {
namespace {

constexpr std::uint64_t kMagic = 0x31574B4C4F575354ull;

struct Head {
  std::uint64_t magic;
  std::uint64_t set;
  std::uint64_t cookie;
  std::uint64_t refused;
  std::uint64_t slots;
};

// The rest of the state block is incompressible and follows from the cookie, so that altered bytes show.
std::vector<std::byte> padded(std::vector<std::byte> bytes, std::uint64_t cookie) {
  const std::size_t used = bytes.size();
  bytes.resize(Workload::kStateBytes - sizeof(Digest));
  fillRandom(std::span(bytes).subspan(used), cookie);
  return bytes;
}

}  // namespace

const char* phaseName(Workload::Phase phase) noexcept {
  switch (phase) {
    case Workload::Phase::kEmpty:
      return "Empty";
    case Workload::Phase::kLoaded:
      return "Loaded";
    case Workload::Phase::kLive:
      return "Live";
    case Workload::Phase::kEnded:
      return "Ended";
  }
  return "Empty";
}

void Workload::begin(std::uint64_t set, const std::vector<std::uint32_t>& slots, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::kLive;
  frozen_ = false;
  set_ = set;
  cookie_ = mix(seed);
  for (const std::uint32_t slot : slots) {
    submissions_[slot] = 0;
  }
}

void Workload::post() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kLive || frozen_) {
    return;
  }
  for (auto& [slot, count] : submissions_) {
    if (fabric_.submit(set_, slot, count + 1)) {
      ++count;
    } else {
      ++refused_;
    }
  }
}

std::string Workload::freeze() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kEmpty || phase_ == Phase::kEnded) {
    return "there is no workload to freeze";
  }
  ++freezes_;
  frozen_ = true;
  return {};
}

std::string Workload::thaw() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kEmpty || phase_ == Phase::kEnded) {
    return "there is no workload to thaw";
  }
  ++thaws_;
  phase_ = Phase::kLive;
  frozen_ = false;
  return {};
}

std::string Workload::discard() {
  const std::lock_guard lock(mutex_);
  if (!frozen_) {
    return "freeze the workload before discarding it";
  }
  if (phase_ != Phase::kEmpty) {
    phase_ = Phase::kEnded;
  }
  arrived_ = false;
  submissions_.clear();
  return {};
}

std::string Workload::incoming() {
  const std::lock_guard lock(mutex_);
  if (!frozen_) {
    return "the workload here is at work; freeze and discard it first";
  }
  phase_ = Phase::kEmpty;
  arrived_ = false;
  submissions_.clear();
  return {};
}

std::optional<std::vector<std::byte>> Workload::save() const {
  const std::lock_guard lock(mutex_);
  if (!frozen_ || phase_ == Phase::kEmpty || phase_ == Phase::kEnded) {
    return std::nullopt;
  }
  ByteWriter writer;
  writer.put(Head{kMagic, set_, cookie_, refused_, submissions_.size()});
  for (const auto& [slot, count] : submissions_) {
    writer.put(std::uint64_t{slot});
    writer.put(count);
  }
  std::vector<std::byte> bytes = padded(writer.bytes(), cookie_);
  const Digest digest = digestOf(bytes);
  const auto* const from = reinterpret_cast<const std::byte*>(&digest);
  bytes.insert(bytes.end(), from, from + sizeof(digest));
  return bytes;
}

std::string Workload::load(const std::vector<std::byte>& state) {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kLive) {
    return "a workload lives here; say incoming first";
  }
  ByteReader reader(state);
  const auto head = reader.get<Head>();
  if (state.size() != kStateBytes || head.magic != kMagic || head.slots > kMaxDevices) {
    return "this is no workload state";
  }
  std::map<std::uint32_t, std::uint64_t> submissions;
  for (std::uint64_t i = 0; i < head.slots; ++i) {
    const auto slot = reader.get<std::uint64_t>();
    submissions[static_cast<std::uint32_t>(slot)] = reader.get<std::uint64_t>();
  }
  const std::size_t content = kStateBytes - sizeof(Digest);
  const Digest digest = digestOf(std::span(state).first(content));
  if (std::memcmp(&digest, state.data() + content, sizeof(digest)) != 0) {
    return "the workload state is altered";
  }
  phase_ = Phase::kLoaded;
  frozen_ = true;
  arrived_ = true;
  set_ = head.set;
  cookie_ = head.cookie;
  refused_ = head.refused;
  submissions_ = std::move(submissions);
  return {};
}

bool Workload::thawedFor(std::uint64_t set) const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::kLive && !frozen_ && set_ == set;
}

Workload::Report Workload::report() const {
  const std::lock_guard lock(mutex_);
  Report report{phase_, frozen_, arrived_, set_, {}, refused_, freezes_, thaws_, {}};
  for (const auto& [slot, count] : submissions_) {
    report.submissions.push_back(count);
  }
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(cookie_));
  report.cookie = text;
  return report;
}

}  // namespace transship::emulator

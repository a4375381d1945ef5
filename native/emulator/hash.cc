#include "hash.hh"

#include <cstdio>
#include <cstring>

#include "random.hh"

namespace transship::emulator {
namespace {

// Each lane folds one word of every 64-byte stripe into its sum. A lane's step (rotate, add, xor, odd
// multiplier) is a bijection of the old sum, so a difference once in a lane stays there.
constexpr std::uint64_t kMultiplier = 0x9FB21C651E98DF25ull;

inline std::uint64_t step(std::uint64_t lane, std::uint64_t word) noexcept {
  lane = (lane ^ word) * kMultiplier;
  return (lane << 31) | (lane >> 33);
}

}  // namespace

Hasher::Hasher(std::uint64_t seed) noexcept : lanes_{} {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i] = mix(seed, i);
  }
}

template <bool kCopy>
void Hasher::run(std::byte* to, std::span<const std::byte> from) noexcept {
  const std::byte* data = from.data();
  std::size_t left = from.size();
  length_ += left;
  auto lanes = lanes_;
  std::uint64_t words[8];
  for (; left >= sizeof(words); left -= sizeof(words), data += sizeof(words)) {
    std::memcpy(words, data, sizeof(words));
    for (std::size_t i = 0; i < 8; ++i) {
      lanes[i] = step(lanes[i], words[i]);
    }
    if constexpr (kCopy) {
      std::memcpy(to, words, sizeof(words));
      to += sizeof(words);
    }
  }
  if (left > 0) {
    std::memset(words, 0, sizeof(words));
    std::memcpy(words, data, left);
    for (std::size_t i = 0; i < 8; ++i) {
      lanes[i] = step(lanes[i], words[i]);
    }
    if constexpr (kCopy) {
      std::memcpy(to, data, left);
    }
  }
  lanes_ = lanes;
}

void Hasher::update(std::span<const std::byte> bytes) noexcept { run<false>(nullptr, bytes); }

void Hasher::copy(std::byte* to, std::span<const std::byte> from) noexcept { run<true>(to, from); }

Digest Hasher::finish() const noexcept {
  Digest digest{mix(length_), mix(~length_)};
  for (const std::uint64_t lane : lanes_) {
    digest.high = mix(digest.high, lane);
    digest.low = mix(lane, digest.low);
  }
  return digest;
}

Digest digestOf(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  Hasher hasher(seed);
  hasher.update(bytes);
  return hasher.finish();
}

std::string Digest::hex() const {
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

}  // namespace transship::emulator

#include "common/mutant.hh"

#ifdef TRANSSHIP_MUTANTS

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace transship {
namespace {

// An item's name packed into one word ("V1-43" has five characters, eight fit), so that a check is one
// atomic load: switches stand in the data path too.
std::uint64_t packed(std::string_view item) noexcept {
  std::uint64_t word = 0;
  for (const char c : item.substr(0, sizeof(word))) {
    word = (word << 8) | static_cast<unsigned char>(c);
  }
  return word;
}

std::atomic<std::uint64_t>& active() noexcept {
  static std::atomic<std::uint64_t> word = [] {
    const char* const named = std::getenv("TRANSSHIP_MUTANT");
    return named == nullptr ? std::uint64_t{0} : packed(named);
  }();
  return word;
}

}  // namespace

bool mutantActive(std::string_view item) noexcept {
  return active().load(std::memory_order_relaxed) == packed(item);
}

void setMutant(std::string_view item) { active().store(packed(item), std::memory_order_relaxed); }

}  // namespace transship

#endif

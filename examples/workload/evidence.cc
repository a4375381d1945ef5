#include "evidence.hh"

#include <algorithm>
#include <cstring>
#include <vector>

std::uint64_t wrongInSequence(std::span<const std::byte> memory, std::uint64_t received) {
  std::uint64_t wrong = 0;
  for (std::uint64_t n = received - std::min<std::uint64_t>(received, memory.size()); n < received; ++n) {
    wrong += memory[n % memory.size()] == std::byte{byteAt(n)} ? 0 : 1;
  }
  return wrong;
}

DeviceNumbers checkNumbers(std::span<const std::byte> memory, std::size_t page) {
  const std::uint64_t pages = memory.size() / page;
  std::vector<std::uint64_t> numbers(pages);
  for (std::uint64_t at = 0; at < pages; ++at) {
    std::memcpy(&numbers[at], memory.data() + at * page, sizeof(numbers[at]));
  }
  DeviceNumbers found{.highest = *std::ranges::max_element(numbers)};
  for (std::uint64_t at = 0; at < pages; ++at) {
    // Number n goes to page (n - 1) % pages: due here is the last such n up to the highest.
    const std::uint64_t due = found.highest > at ? found.highest - (found.highest - 1 - at) % pages : 0;
    found.wrongPages += numbers[at] == due ? 0 : 1;
  }
  return found;
}

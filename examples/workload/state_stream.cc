#include "state_stream.hh"

#include <algorithm>
#include <cstring>
#include <stdexcept>

std::string encodeRecord(std::uint64_t offset, std::span<const std::byte> payload) {
  const RecordHead head{.offset = offset, .length = payload.size()};
  std::string text(sizeof(head) + payload.size(), '\0');
  std::memcpy(text.data(), &head, sizeof(head));
  std::memcpy(text.data() + sizeof(head), payload.data(), payload.size());
  return text;
}

void RecordReader::feed(std::span<const std::byte> bytes) {
  const auto take = [&](std::size_t until) {
    const std::size_t count = std::min(until - std::min(until, held_.size()), bytes.size());
    held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    return held_.size() >= until;
  };
  while (!bytes.empty()) {
    if (!take(sizeof(RecordHead))) {
      return;
    }
    RecordHead head;
    std::memcpy(&head, held_.data(), sizeof(head));
    if (head.length > kMaxPayload) {
      throw std::runtime_error("this is no state of the example workload");
    }
    if (!take(sizeof(head) + head.length)) {
      return;
    }
    onRecord_(head.offset, std::span(held_).subspan(sizeof(head)));
    held_.clear();
  }
}

#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace transship::emulator {

/// Which bytes of a range were touched, as joined intervals.
class Coverage {
 public:
  void clear() { parts_.clear(); }
  [[nodiscard]] bool empty() const { return parts_.empty(); }

  void add(std::uint64_t offset, std::uint64_t length) {
    if (length == 0) {
      return;
    }
    std::uint64_t end = offset + length;
    auto next = parts_.upper_bound(offset);
    if (next != parts_.begin()) {
      const auto before = std::prev(next);
      if (before->second >= offset) {
        offset = before->first;
        end = std::max(end, before->second);
        next = before;
      }
    }
    while (next != parts_.end() && next->first <= end) {
      end = std::max(end, next->second);
      next = parts_.erase(next);
    }
    parts_.emplace(offset, end);
  }

  /// Whether all of [offset, offset + length) was touched.
  [[nodiscard]] bool covers(std::uint64_t offset, std::uint64_t length) const {
    if (length == 0) {
      return true;
    }
    const auto next = parts_.upper_bound(offset);
    return next != parts_.begin() && std::prev(next)->second >= offset + length;
  }
  /// Whether any byte of [offset, offset + length) was touched.
  [[nodiscard]] bool touches(std::uint64_t offset, std::uint64_t length) const {
    const auto next = parts_.lower_bound(offset + length);
    return next != parts_.begin() && std::prev(next)->second > offset;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> parts_;  // start -> end
};

}  // namespace transship::emulator

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace transship {

/// A JSON string with its quotes. `text` is UTF-8; bytes that are not are replaced by '?'.
[[nodiscard]] std::string jsonString(std::string_view text);
/// An array of values that are JSON already.
[[nodiscard]] std::string jsonArray(const std::vector<std::string>& values);

/// Writes one JSON object, member by member.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& number(std::string_view name, std::uint64_t value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& null(std::string_view name);
  /// A value that is JSON already.
  JsonObject& raw(std::string_view name, std::string_view value);
  [[nodiscard]] std::string str() const { return '{' + members_ + '}'; }

 private:
  std::string members_;
};

}  // namespace transship

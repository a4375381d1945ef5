#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace transship::emulator {

/// Text of one JSON object, built member by member.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  /// Beyond 2^53 a JavaScript reader would lose digits: such numbers go out as text() instead.
  JsonObject& number(std::string_view key, std::uint64_t value);
  JsonObject& fraction(std::string_view key, double value);
  JsonObject& boolean(std::string_view key, bool value);
  /// `value` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view value);
  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
  void key(std::string_view name);
  std::string members_;
};

/// "[a,b]" of values that are JSON already.
[[nodiscard]] std::string jsonArray(const std::vector<std::string>& values);
/// A quoted string with what JSON wants escaped.
[[nodiscard]] std::string jsonString(std::string_view text);

}  // namespace transship::emulator

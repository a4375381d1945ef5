#include "json.hh"

#include <cstdio>

namespace transship::emulator {

std::string jsonString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string jsonArray(const std::vector<std::string>& values) {
  std::string array = "[";
  for (const std::string& value : values) {
    if (array.size() > 1) {
      array += ',';
    }
    array += value;
  }
  return array + ']';
}

void JsonObject::key(std::string_view name) {
  if (!members_.empty()) {
    members_ += ',';
  }
  members_ += jsonString(name) + ':';
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  return raw(name, jsonString(value));
}

JsonObject& JsonObject::number(std::string_view name, std::uint64_t value) {
  return raw(name, std::to_string(value));
}

JsonObject& JsonObject::fraction(std::string_view name, double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.6g", value);
  return raw(name, digits);
}

JsonObject& JsonObject::boolean(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view value) {
  key(name);
  members_ += value;
  return *this;
}

}  // namespace transship::emulator

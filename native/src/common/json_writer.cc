#include "common/json_writer.hh"

#include <cstdio>

namespace transship {
namespace {

// Bytes of the UTF-8 character that starts at `at`; 0 when none does. Overlong forms and surrogates pass:
// they confuse nobody who only shows the text.
std::size_t characterLength(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length > text.size() - at) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::string jsonString(std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t length = characterLength(text, at);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else if (length == 0) {
      quoted += '?';
    } else {
      quoted += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return quoted + '"';
}

std::string jsonArray(const std::vector<std::string>& values) {
  std::string array = "[";
  for (const std::string& value : values) {
    array += array.size() > 1 ? "," : "";
    array += value;
  }
  return array + ']';
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  return raw(name, jsonString(value));
}

JsonObject& JsonObject::number(std::string_view name, std::uint64_t value) {
  return raw(name, std::to_string(value));
}

JsonObject& JsonObject::boolean(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

JsonObject& JsonObject::null(std::string_view name) { return raw(name, "null"); }

JsonObject& JsonObject::raw(std::string_view name, std::string_view value) {
  members_ += members_.empty() ? "" : ",";
  members_ += jsonString(name) + ':';
  members_ += value;
  return *this;
}

}  // namespace transship

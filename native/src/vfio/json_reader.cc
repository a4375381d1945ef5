#include "vfio/json_reader.hh"

#include <algorithm>
#include <charconv>

namespace transship {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool isHexDigit(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

Error JsonReader::malformed(const char* what) const {
  return {.code = ErrorCode::kProtocolViolation,
          .message = "the device's server sent malformed JSON: " + std::string(what) + " at byte " +
                     std::to_string(position_)};
}

void JsonReader::skipSpace() {
  while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
    ++position_;
  }
}

bool JsonReader::take(char expected) {
  if (position_ < text_.size() && text_[position_] == expected) {
    ++position_;
    return true;
  }
  return false;
}

Status JsonReader::read(std::string_view document, const OnInteger& onInteger, const OnText& onText) {
  JsonReader reader{document, onInteger, onText};
  reader.skipSpace();
  if (reader.peek() != '{') {
    return reader.malformed("an object was expected");
  }
  std::string path;
  if (Status done = reader.value(path, true, 0); !done) {
    return done;
  }
  reader.skipSpace();
  return reader.position_ == document.size() ? Status{Done{}}
                                             : Status{reader.malformed("text after the document")};
}

Status JsonReader::value(std::string& path, bool report, int depth) {
  if (depth >= kMaxDepth) {
    return malformed("nested too deeply");
  }
  skipSpace();
  switch (peek()) {
    case '{':
      return object(path, report, depth);
    case '[':
      return array(depth);
    case '"': {
      auto text = string();
      if (text && report && onText_) {
        onText_(path, *text);
      }
      return text ? Status{Done{}} : Status{std::move(text.error())};
    }
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return number(path, report);
  }
}

Status JsonReader::object(std::string& path, bool report, int depth) {
  ++position_;  // the brace
  skipSpace();
  if (take('}')) {
    return Done{};
  }
  const std::size_t parent = path.size();
  do {
    skipSpace();
    auto key = string();
    if (!key) {
      return std::move(key.error());
    }
    if (key->size() > kMaxKey) {
      return malformed("a key is too long");
    }
    skipSpace();
    if (!take(':')) {
      return malformed("a colon was expected");
    }
    path.append(parent == 0 ? "" : ".").append(*key);
    if (Status done = value(path, report, depth + 1); !done) {
      return done;
    }
    path.resize(parent);
    skipSpace();
  } while (take(','));
  return take('}') ? Status{Done{}} : Status{malformed("a comma or the end of the object was expected")};
}

Status JsonReader::array(int depth) {
  ++position_;  // the bracket
  skipSpace();
  if (take(']')) {
    return Done{};
  }
  std::string unreported;
  do {
    if (Status done = value(unreported, false, depth + 1); !done) {
      return done;
    }
    skipSpace();
  } while (take(','));
  return take(']') ? Status{Done{}} : Status{malformed("a comma or the end of the array was expected")};
}

Result<std::string_view> JsonReader::string() {
  if (!take('"')) {
    return malformed("a string was expected");
  }
  const std::size_t start = position_;
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '"') {
      return text_.substr(start, position_ - 1 - start);
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      return malformed("a control character stands in a string");
    }
    if (c != '\\') {
      continue;
    }
    const char escaped = peek();
    ++position_;
    if (escaped == 'u') {
      for (int i = 0; i < 4; ++i, ++position_) {
        if (!isHexDigit(peek())) {
          return malformed("four hexadecimal digits were expected");
        }
      }
    } else if (std::string_view{"\"\\/bfnrt"}.find(escaped) == std::string_view::npos || escaped == '\0') {
      return malformed("an unknown escape");
    }
  }
  return malformed("a string does not end");
}

Status JsonReader::number(const std::string& path, bool report) {
  const std::size_t start = position_;
  const bool negative = take('-');
  if (!isDigit(peek())) {
    return malformed("a value was expected");
  }
  if (take('0') && isDigit(peek())) {
    return malformed("a number has a leading zero");
  }
  while (isDigit(peek())) {
    ++position_;
  }
  bool integer = !negative;
  if (take('.')) {
    integer = false;
    if (!isDigit(peek())) {
      return malformed("a digit was expected");
    }
    while (isDigit(peek())) {
      ++position_;
    }
  }
  if (take('e') || take('E')) {
    integer = false;
    if (!take('+')) {
      [[maybe_unused]] const bool minus = take('-');
    }
    if (!isDigit(peek())) {
      return malformed("a digit was expected");
    }
    while (isDigit(peek())) {
      ++position_;
    }
  }
  if (!integer || !report) {
    return Done{};
  }
  std::uint64_t parsed = 0;
  if (std::from_chars(text_.data() + start, text_.data() + position_, parsed).ec != std::errc{}) {
    return malformed("a number is too large");
  }
  return onInteger_(path, parsed);
}

Status JsonReader::literal(std::string_view word) {
  if (text_.substr(position_, word.size()) != word) {
    return malformed("a value was expected");
  }
  position_ += word.size();
  return Done{};
}

std::string unescapeJson(std::string_view value) {
  constexpr std::string_view kEscapes = "bfnrt";
  constexpr std::string_view kCharacters = "\b\f\n\r\t";
  std::string text;
  while (!value.empty()) {
    const char c = value.front();
    value.remove_prefix(1);
    if (c != '\\' || value.empty()) {
      text += c;
      continue;
    }
    const char escaped = value.front();
    value.remove_prefix(1);
    if (escaped == 'u') {
      unsigned code = 0;
      const std::size_t digits = std::min<std::size_t>(value.size(), 4);
      std::from_chars(value.data(), value.data() + digits, code, 16);
      value.remove_prefix(digits);
      text += code < 0x80 ? static_cast<char>(code) : '?';
    } else if (const auto known = kEscapes.find(escaped); known != std::string_view::npos) {
      text += kCharacters[known];
    } else {
      text += escaped;  // a quote, a slash or a backslash
    }
  }
  return text;
}

}  // namespace transship

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.hh"

namespace transship {

/// A strict, bounded reader of one JSON document (RFC 8259) that builds no tree: it checks the whole
/// document and reports the non-negative integers in it, and strings where they are asked for, by their path,
/// "capabilities.max_msg_fds". Elements of arrays are checked but not reported.
///
/// Refused: anything after the document, nesting deeper than kMaxDepth, control characters in strings,
/// numbers with leading zeros, keys longer than kMaxKey. Strings are not decoded further than needed to find
/// their end, so an escaped key matches no path and a value keeps its escapes (see unescapeJson).
class JsonReader {
 public:
  static constexpr int kMaxDepth = 8;
  static constexpr std::size_t kMaxKey = 64;
  using OnInteger = std::function<Status(std::string_view path, std::uint64_t value)>;
  using OnText = std::function<void(std::string_view path, std::string_view value)>;

  /// Reads `document`, which must be an object. kProtocolViolation names the byte where it went wrong, or
  /// passes on the error that `onInteger` returned.
  static Status read(std::string_view document, const OnInteger& onInteger, const OnText& onText = {});

 private:
  JsonReader(std::string_view text, const OnInteger& onInteger, const OnText& onText)
      : text_(text), onInteger_(onInteger), onText_(onText) {}

  Status value(std::string& path, bool report, int depth);
  Status object(std::string& path, bool report, int depth);
  Status array(int depth);
  Status number(const std::string& path, bool report);
  Status literal(std::string_view word);
  Result<std::string_view> string();

  void skipSpace();
  [[nodiscard]] bool take(char expected);
  [[nodiscard]] char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  [[nodiscard]] Error malformed(const char* what) const;

  std::string_view text_;
  const OnInteger& onInteger_;
  const OnText& onText_;
  std::size_t position_ = 0;
};

/// The text behind a JSON string's value. Characters beyond ASCII that are written as \u become '?'.
[[nodiscard]] std::string unescapeJson(std::string_view value);

}  // namespace transship

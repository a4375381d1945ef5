#include "parse.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>

namespace transship::emulator {
namespace {

struct NamedErrno {
  std::string_view name;
  int number;
};

constexpr std::array<NamedErrno, 20> kErrnos{
    {{"EPERM", EPERM},           {"ENOENT", ENOENT},       {"EINTR", EINTR},   {"EIO", EIO},
     {"EAGAIN", EAGAIN},         {"ENOMEM", ENOMEM},       {"EACCES", EACCES}, {"EFAULT", EFAULT},
     {"EBUSY", EBUSY},           {"ENODEV", ENODEV},       {"EINVAL", EINVAL}, {"ENOSPC", ENOSPC},
     {"EOPNOTSUPP", EOPNOTSUPP}, {"ETIMEDOUT", ETIMEDOUT}, {"ENOMSG", ENOMSG}, {"ENODATA", ENODATA},
     {"ENOTTY", ENOTTY},         {"ERANGE", ERANGE},       {"E2BIG", E2BIG},   {"EOVERFLOW", EOVERFLOW}}};

}  // namespace

std::optional<std::uint64_t> parseNumber(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
  std::uint64_t unit = 1;
  if (!text.empty()) {
    const std::size_t power = std::string_view("KMG").find(text.back());
    if (power != std::string_view::npos) {
      unit = 1ull << (10 * (power + 1));
      text.remove_suffix(1);
    }
  }
  const auto number = parseNumber(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / unit) {
    return std::nullopt;
  }
  return *number * unit;
}

std::optional<std::uint64_t> parseDuration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
      {{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}};
  for (const auto& [suffix, unit] : kUnits) {
    if (!text.ends_with(suffix)) {
      continue;
    }
    const std::string_view digits = text.substr(0, text.size() - suffix.size());
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc{} && end == digits.data() + digits.size() && value >= 0 && value * unit < 1e15) {
      return static_cast<std::uint64_t>(value * unit);
    }
  }
  return std::nullopt;
}

std::optional<int> parseErrno(std::string_view text) {
  for (const NamedErrno& known : kErrnos) {
    if (known.name == text) {
      return known.number;
    }
  }
  const auto number = parseNumber(text);
  if (!number || *number == 0 || *number > 4095) {
    return std::nullopt;
  }
  return static_cast<int>(*number);
}

std::optional<std::vector<std::size_t>> parseList(std::string_view text, std::size_t limit) {
  std::vector<std::size_t> values;
  for (const std::string_view piece : split(text, ",")) {
    const auto number = parseNumber(piece);
    if (!number || *number >= limit) {
      return std::nullopt;
    }
    values.push_back(*number);
  }
  return values;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) {
      pieces.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

std::pair<std::string_view, std::string_view> keyValue(std::string_view piece) {
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos) {
    return {piece, {}};
  }
  return {piece.substr(0, equals), piece.substr(equals + 1)};
}

std::string toHex(const std::vector<std::byte>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xF})];
  }
  return text;
}

std::optional<std::vector<std::byte>> fromHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const char* const from = text.data() + i;
    const auto [end, error] = std::from_chars(from, from + 2, value, 16);
    if (error != std::errc{} || end != from + 2) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace transship::emulator

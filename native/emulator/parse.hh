#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace transship::emulator {

/// A whole number, decimal or with 0x, filling the text; nothing otherwise.
[[nodiscard]] std::optional<std::uint64_t> parseNumber(std::string_view text);
/// A size: a number with an optional suffix K, M or G (powers of 1024).
[[nodiscard]] std::optional<std::uint64_t> parseSize(std::string_view text);
/// A time in nanoseconds: a decimal fraction with a suffix ns, us, ms or s.
[[nodiscard]] std::optional<std::uint64_t> parseDuration(std::string_view text);
/// An errno by name ("EBUSY") or number.
[[nodiscard]] std::optional<int> parseErrno(std::string_view text);
/// "0,2,5" as numbers below `limit`.
[[nodiscard]] std::optional<std::vector<std::size_t>> parseList(std::string_view text, std::size_t limit);
/// The pieces of `text` between characters of `separators`; empty pieces are left out.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, std::string_view separators);
/// "key=value" apart; a piece without "=" has an empty value.
[[nodiscard]] std::pair<std::string_view, std::string_view> keyValue(std::string_view piece);

[[nodiscard]] std::string toHex(const std::vector<std::byte>& bytes);
[[nodiscard]] std::optional<std::vector<std::byte>> fromHex(std::string_view text);

}  // namespace transship::emulator

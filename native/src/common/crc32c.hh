#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace transship {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `data`, continued from `seed`:
/// crc32c(b, crc32c(a)) equals crc32c of a followed by b; the seed of a fresh sum is 0.
/// Uses the CPU's CRC32 instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed = 0) noexcept;

/// The same by table, on any CPU. The reference of the unit test.
[[nodiscard]] std::uint32_t crc32cPortable(std::span<const std::byte> data, std::uint32_t seed = 0) noexcept;

}  // namespace transship

#include "common/crc32c.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

#include "support/fake_device.hh"

namespace transship {
namespace {

std::uint32_t ofText(std::string_view text) { return crc32c(std::as_bytes(std::span{text})); }

TEST(Crc32c, HasTheVectorsOfRfc3720) {
  test::Bytes bytes(32);
  EXPECT_EQ(crc32c(bytes), 0x8A9136AAu);
  std::memset(bytes.data(), 0xFF, bytes.size());
  EXPECT_EQ(crc32c(bytes), 0x62A8AB43u);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(i);
  }
  EXPECT_EQ(crc32c(bytes), 0x46DD794Eu);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(31 - i);
  }
  EXPECT_EQ(crc32c(bytes), 0x113FDB5Cu);
  EXPECT_EQ(ofText("123456789"), 0xE3069283u);
  EXPECT_EQ(ofText(""), 0u);
}

TEST(Crc32c, FastAndPortableAgreeAtEveryLengthAndAlignment) {
  const test::Bytes bytes = test::patternBytes(3 * 6144 + 100, 7);
  for (const std::size_t length : {1u, 7u, 8u, 9u, 63u, 2048u, 6143u, 6144u, 6145u, 12288u, 18432u + 77u}) {
    for (std::size_t start = 0; start < 9; ++start) {
      const auto part = std::span{bytes}.subspan(start, length);
      ASSERT_EQ(crc32c(part, 0x1234), crc32cPortable(part, 0x1234)) << length << " from " << start;
    }
  }
}

TEST(Crc32c, IsContinuedBySeed) {
  const test::Bytes bytes = test::patternBytes(20'000, 8);
  for (const std::size_t cut : {0u, 1u, 6144u, 9999u, 20'000u}) {
    const auto first = crc32c(std::span{bytes}.first(cut));
    EXPECT_EQ(crc32c(std::span{bytes}.subspan(cut), first), crc32c(bytes)) << cut;
  }
}

}  // namespace
}  // namespace transship

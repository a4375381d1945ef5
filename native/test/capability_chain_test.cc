// Region descriptions as a hostile device would send them.
#include "vfio/capability_chain.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/driver.hh"

namespace transship::vfio {
namespace {

using test::Bytes;
using test::codeOf;

/// Puts a description together piece by piece.
class Description {
 public:
  explicit Description(std::uint32_t flags = kRegionFlagRead | kRegionFlagWrite | kRegionFlagMmap |
                                             kRegionFlagCaps)
      : info_{.argsz = 0, .flags = flags, .index = 9, .cap_offset = 0, .size = 1 << 20, .offset = 1 << 12} {}

  template <typename T>
  Description& add(T capability, bool linked = true) {
    const std::size_t at = sizeof(info_) + tail_.size();
    if (linked) {
      link(at);
    }
    lastLink_ = at + offsetof(InfoCapHeader, next);
    const auto bytes = std::as_bytes(std::span{&capability, 1});
    tail_.insert(tail_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  /// Makes the last capability (or the description) point at `offset`.
  Description& link(std::size_t offset) {
    const auto value = static_cast<std::uint32_t>(offset);
    if (lastLink_ == 0) {
      info_.cap_offset = value;
    } else {
      std::memcpy(tail_.data() + (lastLink_ - sizeof(info_)), &value, sizeof(value));
    }
    return *this;
  }
  Description& area(std::uint64_t offset, std::uint64_t size) {
    const SparseMmapArea area{.offset = offset, .size = size};
    const auto bytes = std::as_bytes(std::span{&area, 1});
    tail_.insert(tail_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Description& cut(std::size_t bytes) {
    tail_.resize(tail_.size() - bytes);
    return *this;
  }
  RegionInfo& info() { return info_; }

  [[nodiscard]] Bytes bytes() {
    info_.argsz = static_cast<std::uint32_t>(sizeof(info_) + tail_.size());
    Bytes all(sizeof(info_));
    std::memcpy(all.data(), &info_, sizeof(info_));
    all.insert(all.end(), tail_.begin(), tail_.end());
    return all;
  }
  [[nodiscard]] Result<RegionFacts> parse() { return parseRegionInfo(bytes(), 9); }

 private:
  RegionInfo info_;
  Bytes tail_;
  std::size_t lastLink_ = 0;
};

constexpr RegionCapType kType{
    .header = {.id = kRegionInfoCapType, .version = 1, .next = 0}, .type = 3, .subtype = 1};
constexpr InfoCapHeader kNdma{.id = kRegionInfoCapMigNdma, .version = 1, .next = 0};
constexpr InfoCapHeader kUnknown{.id = 77, .version = 9, .next = 0};

RegionCapSparseMmap sparse(std::uint32_t areas) {
  return {
      .header = {.id = kRegionInfoCapSparseMmap, .version = 1, .next = 0}, .nr_areas = areas, .reserved = 0};
}

TEST(CapabilityChain, V1_24_TellsTypeNdmaAndAreas) {
  auto facts = Description{}
                   .add(kUnknown)
                   .add(kType)
                   .add(kNdma)
                   .add(sparse(2))
                   .area(0x9000, 0x1000)
                   .area(0x1000, 0x2000)
                   .parse();
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->type->type, 3u);
  EXPECT_EQ(facts->type->subtype, 1u);
  EXPECT_TRUE(facts->migrationNdma);
  ASSERT_EQ(facts->mmapAreas.size(), 2u);
  EXPECT_EQ(facts->mmapAreas[0].offset, 0x1000u);
  EXPECT_EQ(facts->fileOffset, 0x1000u);
}

TEST(CapabilityChain, WithoutCapabilitiesThereAreNone) {
  auto facts = Description{kRegionFlagRead}.add(kType).add(kNdma).parse();
  ASSERT_TRUE(facts);
  EXPECT_FALSE(facts->type);
  EXPECT_FALSE(facts->migrationNdma);
  EXPECT_TRUE(facts->mmapAreas.empty());
  EXPECT_FALSE(facts->writable);
}

TEST(CapabilityChain, ARegionMappableWithoutAreasIsMappableWhole) {
  auto facts = Description{}.add(kType).parse();
  ASSERT_TRUE(facts);
  ASSERT_EQ(facts->mmapAreas.size(), 1u);
  EXPECT_EQ(facts->mmapAreas[0].size, 1u << 20);
}

TEST(CapabilityChain, AreasOfARegionThatIsNotMappableDoNotCount) {
  auto facts = Description{kRegionFlagRead | kRegionFlagCaps}.add(sparse(1)).area(0, 0x1000).parse();
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->mmapAreas.empty());
}

TEST(CapabilityChain, AChainThatLoopsEnds) {
  EXPECT_EQ(codeOf(Description{}.add(kUnknown).link(32).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(kUnknown).add(kUnknown).add(kUnknown).link(40).parse()),
            "TRANSSHIP_BAD_REGION_INFO");
}

TEST(CapabilityChain, ABackwardChainThatEndsIsRead) {
  // Second capability first: 40 -> 32 -> end.
  Description description;
  description.add(kNdma, false);
  description.add(kUnknown, false);
  description.link(32);
  description.info().cap_offset = 40;
  auto facts = description.parse();
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_TRUE(facts->migrationNdma);
}

TEST(CapabilityChain, OffsetsOutsideOfTheDescriptionAreRefused) {
  for (const std::size_t offset : {1u, 31u, 41u, 48u, 0xFFFFFFFFu, 0xFFFFFFF8u}) {
    EXPECT_EQ(codeOf(Description{}.add(kUnknown).link(offset).parse()), "TRANSSHIP_BAD_REGION_INFO")
        << offset;
    EXPECT_EQ(codeOf(Description{}.link(offset).parse()), "TRANSSHIP_BAD_REGION_INFO") << offset;
  }
}

TEST(CapabilityChain, CapabilitiesCutShortAreRefused) {
  EXPECT_EQ(codeOf(Description{}.add(kType).cut(1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).cut(1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).area(0, 1).cut(1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(0xFFFFFFFF)).area(0, 1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(parseRegionInfo(Bytes(31), 0)), "TRANSSHIP_BAD_REGION_INFO");
}

TEST(CapabilityChain, ContradictionsAreRefused) {
  EXPECT_EQ(codeOf(Description{}.add(kType).add(kType).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(0)).add(sparse(0)).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(parseRegionInfo(Description{}.bytes(), 8)), "TRANSSHIP_BAD_REGION_INFO");
  Description huge;
  huge.info().size = std::uint64_t{1} << 60;
  EXPECT_EQ(codeOf(huge.parse()), "TRANSSHIP_BAD_REGION_INFO");
}

TEST(CapabilityChain, AreasOutsideOfTheRegionOrOverEachOtherAreRefused) {
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).area(0, (1 << 20) + 1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).area(1 << 20, 1).parse()), "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).area(16, ~std::uint64_t{0}).parse()),
            "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(1)).area(~std::uint64_t{0}, 16).parse()),
            "TRANSSHIP_BAD_REGION_INFO");
  EXPECT_EQ(codeOf(Description{}.add(sparse(2)).area(0, 0x2000).area(0x1000, 0x1000).parse()),
            "TRANSSHIP_BAD_REGION_INFO");
}

TEST(CapabilityChain, RandomDescriptionsNeitherCrashNorHang) {
  std::mt19937 random{20211209};
  const Bytes good =
      Description{}.add(kType).add(kNdma).add(sparse(2)).area(0x1000, 0x1000).area(0x4000, 0x1000).bytes();
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = good;
    for (auto changes = random() % 6; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 64);
    }
    bytes.resize(random() % 4 == 0 ? random() % bytes.size() : bytes.size());
    if (auto facts = parseRegionInfo(bytes, 9)) {
      ++accepted;
      for (const SparseMmapArea& area : facts->mmapAreas) {
        ASSERT_LE(area.offset, facts->size);
        ASSERT_LE(area.size, facts->size - area.offset);
      }
    }
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace transship::vfio

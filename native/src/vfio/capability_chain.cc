#include "vfio/capability_chain.hh"

#include <algorithm>
#include <cstring>
#include <string>

namespace transship::vfio {
namespace {

// Sizes and offsets cross into JavaScript as numbers, which are exact up to here.
constexpr std::uint64_t kLargestRegion = (std::uint64_t{1} << 53) - 1;

class Parser {
 public:
  Parser(std::span<const std::byte> info, std::uint32_t index) : info_(info) { facts_.index = index; }

  Result<RegionFacts> parse();

 private:
  template <typename T>
  [[nodiscard]] bool load(std::size_t offset, T& into) const {
    if (offset > info_.size() || info_.size() - offset < sizeof(T)) {
      return false;
    }
    std::memcpy(&into, info_.data() + offset, sizeof(T));
    return true;
  }

  [[nodiscard]] Error malformed(const std::string& what) const {
    return {.code = ErrorCode::kBadRegionInfo,
            .message = "the device describes region " + std::to_string(facts_.index) + " wrongly: " + what};
  }

  Status walk(std::size_t offset);
  Status capability(std::size_t offset, const InfoCapHeader& header);
  Status sparseAreas(std::size_t offset);

  std::span<const std::byte> info_;
  RegionFacts facts_;
  bool sparse_ = false;
};

Result<RegionFacts> Parser::parse() {
  RegionInfo info{};
  if (!load(0, info)) {
    return malformed("the description is cut short");
  }
  if (info.index != facts_.index) {
    return malformed("it is that of region " + std::to_string(info.index));
  }
  if (info.size > kLargestRegion || info.offset > kLargestRegion) {
    return malformed("its size or offset is beyond 2^53");
  }
  facts_.size = info.size;
  facts_.fileOffset = info.offset;
  facts_.readable = (info.flags & kRegionFlagRead) != 0;
  facts_.writable = (info.flags & kRegionFlagWrite) != 0;
  const bool mappable = (info.flags & kRegionFlagMmap) != 0;
  if ((info.flags & kRegionFlagCaps) != 0 && info.cap_offset != 0) {
    if (Status walked = walk(info.cap_offset); !walked) {
      return std::move(walked.error());
    }
  }
  if (!mappable) {
    facts_.mmapAreas.clear();
  } else if (!sparse_ && info.size > 0) {
    facts_.mmapAreas.push_back({.offset = 0, .size = info.size});
  }
  return std::move(facts_);
}

Status Parser::walk(std::size_t offset) {
  // Every header takes bytes of its own, so a chain with more of them than fit has come round.
  const std::size_t most = info_.size() / sizeof(InfoCapHeader);
  for (std::size_t seen = 0; offset != 0; ++seen) {
    if (seen == most) {
      return malformed("its capability chain loops");
    }
    InfoCapHeader header{};
    if (offset < sizeof(RegionInfo) || !load(offset, header)) {
      return malformed("a capability lies outside of the description, at " + std::to_string(offset));
    }
    if (Status taken = capability(offset, header); !taken) {
      return taken;
    }
    offset = header.next;
  }
  return Done{};
}

Status Parser::capability(std::size_t offset, const InfoCapHeader& header) {
  switch (header.id) {
    case kRegionInfoCapType: {
      RegionCapType type{};
      if (facts_.type || !load(offset, type)) {
        return malformed(facts_.type ? "it has two types" : "its type is cut short");
      }
      facts_.type = {.type = type.type, .subtype = type.subtype};
      return Done{};
    }
    case kRegionInfoCapSparseMmap:
      if (sparse_) {
        return malformed("it has two lists of mappable areas");
      }
      sparse_ = true;
      return sparseAreas(offset);
    case kRegionInfoCapMigNdma:
      facts_.migrationNdma = true;
      return Done{};
    default:
      return Done{};
  }
}

Status Parser::sparseAreas(std::size_t offset) {
  RegionCapSparseMmap sparse{};
  if (!load(offset, sparse)) {
    return malformed("its list of mappable areas is cut short");
  }
  const std::size_t first = offset + sizeof(sparse);
  if (sparse.nr_areas > (info_.size() - first) / sizeof(SparseMmapArea)) {
    return malformed("its list of mappable areas is cut short");
  }
  for (std::size_t i = 0; i < sparse.nr_areas; ++i) {
    SparseMmapArea area{};
    std::memcpy(&area, info_.data() + first + i * sizeof(area), sizeof(area));
    if (area.offset > facts_.size || area.size > facts_.size - area.offset) {
      return malformed("a mappable area lies outside of the region");
    }
    if (area.size > 0) {
      facts_.mmapAreas.push_back(area);
    }
  }
  auto& areas = facts_.mmapAreas;
  std::ranges::sort(areas, {}, &SparseMmapArea::offset);
  for (std::size_t i = 1; i < areas.size(); ++i) {
    if (areas[i].offset - areas[i - 1].offset < areas[i - 1].size) {
      return malformed("two mappable areas overlap");
    }
  }
  return Done{};
}

}  // namespace

Result<RegionFacts> parseRegionInfo(std::span<const std::byte> info, std::uint32_t index) {
  return Parser{info, index}.parse();
}

}  // namespace transship::vfio

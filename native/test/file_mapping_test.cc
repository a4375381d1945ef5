// Mapping is an offer: what cannot be mapped safely is left to the other way.
#include "vfio/file_mapping.hh"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/unique_fd.hh"

namespace transship::vfio {
namespace {

constexpr std::uint64_t kPage = 4096;

UniqueFd memoryFile(std::size_t size) {
  UniqueFd file{::memfd_create("region", MFD_CLOEXEC)};
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
  return file;
}

RegionFacts regionWith(std::vector<SparseMmapArea> areas, std::uint64_t fileOffset = 0) {
  RegionFacts facts;
  facts.size = 16 * kPage;
  facts.mmapAreas = std::move(areas);
  facts.fileOffset = fileOffset;
  return facts;
}

TEST(FileMapping, MapsAreasAtTheirPlaceInTheFile) {
  const UniqueFd file = memoryFile(32 * kPage);
  const std::byte mark{0x5A};
  ASSERT_EQ(::pwrite(file.get(), &mark, 1, 8 * kPage + 3), 1);
  SystemCalls system;
  const auto mapping =
      mapFile(system, regionWith({{kPage, kPage}, {4 * kPage, kPage}}, 4 * kPage), file.get());
  EXPECT_EQ(mapping->areas().size(), 2u);
  EXPECT_TRUE(mapping->at(0, 10).empty());
  EXPECT_EQ(mapping->gap(0, 100 * kPage), kPage);
  EXPECT_EQ(mapping->gap(2 * kPage, 10), 10u);
  EXPECT_EQ(mapping->gap(6 * kPage, 77), 77u);
  const auto memory = mapping->at(4 * kPage + 3, 2 * kPage);
  ASSERT_EQ(memory.size(), kPage - 3);
  EXPECT_EQ(memory[0], mark);
}

TEST(FileMapping, LeavesOutWhatIsBeyondTheFileOrNotAligned) {
  const UniqueFd file = memoryFile(4 * kPage);
  SystemCalls system;
  EXPECT_TRUE(mapFile(system, regionWith({{4 * kPage, kPage}}), file.get())->areas().empty());
  EXPECT_TRUE(mapFile(system, regionWith({{3 * kPage, 2 * kPage}}), file.get())->areas().empty());
  EXPECT_TRUE(mapFile(system, regionWith({{100, kPage}}), file.get())->areas().empty());
  EXPECT_TRUE(mapFile(system, regionWith({{0, kPage}}, 8 * kPage), file.get())->areas().empty());
  EXPECT_TRUE(mapFile(system, regionWith({{0, kPage}}), -1)->areas().empty());
}

class RefusingSystem final : public SystemCalls {
 public:
  void* mmap(std::size_t, int, int, std::int64_t) override { return MAP_FAILED; }
};

TEST(FileMapping, ARefusedMappingIsLeftOut) {
  const UniqueFd file = memoryFile(4 * kPage);
  RefusingSystem system;
  EXPECT_TRUE(mapFile(system, regionWith({{0, kPage}}), file.get())->areas().empty());
}

}  // namespace
}  // namespace transship::vfio

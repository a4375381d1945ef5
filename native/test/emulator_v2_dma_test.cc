// The device's DMA into its workload's memory, and the log of it (V2-31 to V2-34).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;

constexpr std::uint64_t kIova = 0x10000000;
constexpr std::size_t kSize = 1u << 20;
constexpr std::uint64_t kPage = DmaEngine::kPageSize;

const std::vector<std::string> kWriting{"--traffic", "off", "--dma-logging", "on", "--dma-rate", "64M"};

/// Memory of a workload, shared with a device.
class Shared {
 public:
  Shared() : fd_(::memfd_create("workload", MFD_CLOEXEC)) {
    if (::ftruncate(fd_.get(), kSize) == 0) {
      memory_ =
          static_cast<std::byte*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
    }
  }
  ~Shared() { ::munmap(memory_, kSize); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  [[nodiscard]] UniqueFd fd() const { return UniqueFd(::dup(fd_.get())); }
  [[nodiscard]] Bytes copy() const { return {memory_, memory_ + kSize}; }

 private:
  UniqueFd fd_;
  std::byte* memory_ = nullptr;
};

std::uint64_t startLog(UserV2& user, std::vector<DmaRange> ranges = {{kIova, kSize}},
                       std::uint64_t hint = 2u << 20) {
  std::uint64_t pageSize = hint;
  const int error =
      user.device().withFeatures([&](FeaturesV2& features) { return features.startLog(pageSize, ranges); });
  return error == 0 ? pageSize : 0;
}

std::vector<std::byte> report(UserV2& user, DmaRange range = {kIova, kSize}, std::uint64_t pageSize = kPage) {
  std::vector<std::byte> bitmap;
  user.device().withFeatures(
      [&](FeaturesV2& features) { return features.reportLog(range, pageSize, bitmap); });
  return bitmap;
}

std::size_t bits(const std::vector<std::byte>& bitmap) {
  std::size_t count = 0;
  for (const std::byte one : bitmap) {
    count += static_cast<std::size_t>(std::popcount(std::to_integer<unsigned>(one)));
  }
  return count;
}

bool bit(const std::vector<std::byte>& bitmap, std::size_t page) {
  return (std::to_integer<unsigned>(bitmap[page / 8]) >> (page % 8) & 1u) != 0;
}

TEST(EmulatorV2Dma, V2_34_TheLogNamesEveryPageThatChangesUntilTheDeviceStops) {
  RigV2 rig(1, kWriting);
  UserV2& user = rig[0];
  Shared memory;
  ASSERT_EQ(user.device().dma().map({kIova, kSize}, memory.fd(), 0), 0);
  ASSERT_EQ(startLog(user, {{kIova, kSize}}, kPage), kPage);
  Bytes copy = memory.copy();
  ASSERT_TRUE(eventually([&] { return user.device().dma().written() > 20; }));
  ASSERT_EQ(user.set(kRunningP2p), 0);
  const std::uint64_t quiet = user.device().dma().written();
  EXPECT_TRUE(eventually([&] { return user.device().dma().written() > quiet + 20; }));  // P2P is not silence
  ASSERT_EQ(user.set(kStop), 0);
  const std::uint64_t stopped = user.device().dma().written();
  const auto bitmap = report(user);
  ASSERT_EQ(bitmap.size(), kSize / kPage / 8);
  const Bytes now = memory.copy();
  for (std::size_t page = 0; page < kSize / kPage; ++page) {
    if (std::memcmp(&copy[page * kPage], &now[page * kPage], kPage) != 0) {
      EXPECT_TRUE(bit(bitmap, page)) << page;
    }
  }
  EXPECT_GT(bits(bitmap), 0u);
  sleepMs(15);
  EXPECT_EQ(user.device().dma().written(), stopped);
  EXPECT_EQ(bits(report(user)), 0u);  // read and cleared
  EXPECT_EQ(user.device().withFeatures([](FeaturesV2& features) { return features.stopLog(); }), 0);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorV2Dma, V2_31_TheDeviceChoosesThePageSizeAndReportsInAny) {
  RigV2 rig(1, kWriting);
  UserV2& user = rig[0];
  EXPECT_EQ(startLog(user, {{0, 4u << 20}}), kPage);                             // the hint was 2 MiB
  ASSERT_TRUE(eventually([&] { return user.device().dma().written() > 200; }));  // nothing is mapped
  const auto coarse = report(user, {0, 4u << 20}, 2u << 20);
  EXPECT_EQ(coarse.size(), 8u);
  EXPECT_EQ(bits(coarse), 2u);
}

TEST(EmulatorV2Dma, NdmaEndsAllDmaOfAV1Device) {
  Rig rig(1, {"--traffic", "off", "--dma-rate", "64M"});
  DmaEngine& dma = rig[0].device().dma();
  Shared memory;
  ASSERT_EQ(dma.map({kIova, kSize}, memory.fd(), 0), 0);
  ASSERT_TRUE(eventually([&] { return dma.written() > 20; }));
  ASSERT_EQ(rig[0].set(0x9), 0);
  const std::uint64_t quiet = dma.written();
  sleepMs(15);
  EXPECT_EQ(dma.written(), quiet);
  ASSERT_EQ(rig[0].set(0x1), 0);
  EXPECT_TRUE(eventually([&] { return dma.written() > quiet; }));
}

TEST(EmulatorV2Dma, MapsAreCheckedBeforeTheyAreUsed) {
  DmaEngine dma;
  Shared memory;
  EXPECT_EQ(dma.map({kIova, 2 * kSize}, memory.fd(), 0), EINVAL);  // beyond the end of the file
  EXPECT_EQ(dma.map({kIova, kSize}, memory.fd(), kPage), EINVAL);
  EXPECT_EQ(dma.map({kIova + 1, kPage}, memory.fd(), 0), EINVAL);
  EXPECT_EQ(dma.map({kIova, kSize}, UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), 0), 0);  // no memory
  EXPECT_EQ(dma.map({~(kPage - 1), 2 * kPage}, memory.fd(), 0), EINVAL);
  EXPECT_EQ(dma.map({kIova, kSize}, UniqueFd(), 0), EINVAL);
  EXPECT_EQ(dma.map({kIova, kSize}, memory.fd(), 0), 0);
  EXPECT_EQ(dma.map({kIova + kPage, kPage}, memory.fd(), 0), EEXIST);
  EXPECT_EQ(dma.unmap({kIova, kPage}), EINVAL);
  EXPECT_EQ(dma.unmap({kIova, kSize}), 0);
}

TEST(EmulatorV2Dma, RangesAreCheckedAsTheKernelDoes) {
  EXPECT_EQ(checkRanges({}, kPage), EINVAL);
  const auto check = [](std::vector<DmaRange> ranges, std::uint64_t size) {
    return checkRanges(ranges, size);
  };
  EXPECT_EQ(check({{0, kPage}, {kPage, kPage}}, kPage), 0);
  EXPECT_EQ(check({{0, kPage}}, 0), EINVAL);
  EXPECT_EQ(check({{0, kPage}}, 3000), EINVAL);
  EXPECT_EQ(check({{kPage, kPage}}, 2 * kPage), EINVAL);
  EXPECT_EQ(check({{~(kPage - 1), 2 * kPage}}, kPage), EOVERFLOW);
  EXPECT_EQ(check({{0, 2 * kPage}, {kPage, kPage}}, kPage), EINVAL);
  EXPECT_EQ(check(std::vector<DmaRange>(257, DmaRange{0, kPage}), kPage), E2BIG);
}

TEST(EmulatorV2Dma, ADeviceWithoutLoggingSaysSo) {
  RigV2 rig(1);
  EXPECT_FALSE(rig[0].device().withFeatures(
      [](FeaturesV2& features) { return features.offers(vfio::kFeatureDmaLoggingStart) ? 1 : 0; }));
}

}  // namespace
}  // namespace transship::emulator::test

// An open device of the kernel: descriptions, accesses, requests and features.
#include "vfio/kernel_device.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/abi.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

using vfio::KernelDevice;
namespace request = vfio::request;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kStart = 8 * kPage;  // of region 9 in the device's file

template <typename T>
void append(std::vector<std::byte>& to, const T& object) {
  const auto bytes = std::as_bytes(std::span{&object, 1});
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Region 9: 4 pages, of which the second can be mapped.
std::vector<std::byte> migrationRegion() {
  std::vector<std::byte> info;
  append(info, vfio::RegionInfo{.argsz = 0,
                                .flags = vfio::kRegionFlagRead | vfio::kRegionFlagWrite |
                                         vfio::kRegionFlagMmap | vfio::kRegionFlagCaps,
                                .index = 9,
                                .cap_offset = sizeof(vfio::RegionInfo),
                                .size = 4 * kPage,
                                .offset = kStart});
  append(info,
         vfio::RegionCapType{
             .header = {.id = vfio::kRegionInfoCapType, .version = 1, .next = 48}, .type = 3, .subtype = 1});
  append(info,
         vfio::RegionCapSparseMmap{.header = {.id = vfio::kRegionInfoCapSparseMmap, .version = 1, .next = 0},
                                   .nr_areas = 1,
                                   .reserved = 0});
  append(info, vfio::SparseMmapArea{.offset = kPage, .size = kPage});
  return info;
}

template <typename Payload>
Payload payloadOf(const void* argument) {
  Payload payload{};
  std::memcpy(&payload, static_cast<const std::byte*>(argument) + sizeof(vfio::DeviceFeature),
              sizeof(payload));
  return payload;
}

template <typename Payload>
int answer(void* argument, const Payload& payload) {
  std::memcpy(static_cast<std::byte*>(argument) + sizeof(vfio::DeviceFeature), &payload, sizeof(payload));
  return 0;
}

struct Rig {
  KernelMachine machine = {};
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();
  int file = ::memfd_create("device", MFD_CLOEXEC);
  std::unique_ptr<KernelDevice> device = {};

  explicit Rig(KernelDevice::Resetter resetter = {}) {
    EXPECT_EQ(::ftruncate(file, 16 * kPage), 0);
    machine.regions[9] = migrationRegion();
    auto opened = KernelDevice::open(machine, cancellation, {.fd = UniqueFd{file}}, std::move(resetter));
    EXPECT_TRUE(opened) << opened.error().message;
    device = std::move(*opened);
    machine.calls.clear();
  }
};

TEST(KernelDevice, AsksForARegionUntilItsCapabilitiesFit) {
  Rig rig;
  const auto facts = rig.device->region(9);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->size, 4 * kPage);
  EXPECT_EQ(facts->type->type, 3u);
  ASSERT_EQ(facts->mmapAreas.size(), 1u);
  EXPECT_EQ(facts->mmapAreas[0].offset, kPage);
  EXPECT_EQ(rig.machine.count("region other"), 2u);
}

TEST(KernelDevice, ARegionThatNeverFitsOrContradictsItselfIsRefused) {
  Rig rig;
  rig.machine.regions[9].resize(100 * 1024);
  EXPECT_EQ(codeOf(rig.device->region(9)), "TRANSSHIP_BAD_REGION_INFO");
  rig.machine.regions[9] = migrationRegion();
  rig.machine.regions[8] = migrationRegion();
  EXPECT_EQ(codeOf(rig.device->region(8)), "TRANSSHIP_BAD_REGION_INFO");
}

TEST(KernelDevice, AccessesAreAtTheRegionsPlaceInTheFile) {
  Rig rig;
  const Bytes data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  ASSERT_TRUE(rig.device->write(9, 8, data));
  Bytes stored(4);
  ASSERT_EQ(::pread(rig.file, stored.data(), 4, static_cast<off_t>(kStart + 8)), 4);
  EXPECT_EQ(stored, data);
  Bytes read(4);
  ASSERT_TRUE(rig.device->read(9, 8, read));
  EXPECT_EQ(read, data);
}

TEST(KernelDevice, AnAccessBeyondTheRegionReachesNoOther) {
  Rig rig;
  Bytes four(4);
  for (const std::uint64_t offset : {4 * kPage - 3, 4 * kPage, std::uint64_t{1} << 50, ~std::uint64_t{0}}) {
    EXPECT_EQ(codeOf(rig.device->read(9, offset, four)), "TRANSSHIP_INVALID_ARGUMENT");
    EXPECT_EQ(codeOf(rig.device->write(9, offset, four)), "TRANSSHIP_INVALID_ARGUMENT");
  }
  EXPECT_TRUE(rig.device->read(9, 4 * kPage - 4, four));
}

TEST(KernelDevice, MapsTheDevicesOwnFileThoughItHasNoSize) {
  Rig rig;
  ASSERT_EQ(::ftruncate(rig.file, 0), 0);  // as fstat(2) shows a device
  const auto facts = rig.device->region(9);
  const auto mapping = rig.device->map(*facts);
  ASSERT_EQ(mapping->areas().size(), 1u);
  ASSERT_EQ(::ftruncate(rig.file, 16 * kPage), 0);
  const std::byte mark{0x5A};
  ASSERT_EQ(::pwrite(rig.file, &mark, 1, static_cast<off_t>(kStart + kPage + 5)), 1);
  EXPECT_EQ(mapping->at(kPage + 5, 1)[0], mark);
}

// Answers accesses with what the test says: an errno below 0, or a number of bytes.
class ScriptedAccess final : public SystemCalls {
 public:
  std::vector<ssize_t> outcomes = {};
  ssize_t pread(int, void*, std::size_t, std::int64_t) override { return next(); }
  ssize_t pwrite(int, const void*, std::size_t, std::int64_t) override { return next(); }
  int ioctl(int, unsigned long number, void* argument) override {
    if (number == request::kDeviceGetRegionInfo) {
      *static_cast<vfio::RegionInfo*>(argument) = {.argsz = sizeof(vfio::RegionInfo),
                                                   .flags = 3,
                                                   .index = 7,
                                                   .cap_offset = 0,
                                                   .size = 256,
                                                   .offset = 0};
    }
    return 0;
  }

 private:
  ssize_t next() {
    const ssize_t outcome = outcomes.front();
    outcomes.erase(outcomes.begin());
    errno = outcome < 0 ? static_cast<int>(-outcome) : 0;
    return outcome < 0 ? -1 : outcome;
  }
};

TEST(KernelDevice, AShortAccessHasFailedAndAnInterruptedOneIsMadeAgain_V1_02) {
  ScriptedAccess system;
  auto device = KernelDevice::open(system, std::make_shared<Cancellation>(), {});
  Bytes four(4);
  system.outcomes = {2, 3, -EINTR, 4, -EINTR, 4, -EIO, -ENODEV};
  EXPECT_EQ(codeOf((*device)->read(7, 0, four)), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(codeOf((*device)->write(7, 0, four)), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_TRUE((*device)->read(7, 0, four));
  EXPECT_TRUE((*device)->write(7, 0, four));
  const auto refused = (*device)->read(7, 0, four);
  EXPECT_EQ(refused.error().errorNumber, EIO);
  EXPECT_EQ(codeOf((*device)->write(7, 0, four)), "TRANSSHIP_CONNECTION_LOST");
}

TEST(KernelDevice, ResetsByTheRequestOrByWhoeverIsToDoIt) {
  Rig own;
  ASSERT_TRUE(own.device->reset());
  EXPECT_EQ(own.machine.calls, (std::vector<std::string>{"reset other"}));
  own.machine.fail(request::kDeviceReset, {EIO, ENODEV, EINTR});
  EXPECT_EQ(own.device->reset().error().errorNumber, EIO);
  EXPECT_EQ(codeOf(own.device->reset()), "TRANSSHIP_CONNECTION_LOST");
  EXPECT_TRUE(own.device->reset());
  int resets = 0;
  Rig other{[&](const vfio::OpenedDevice&) -> Status {
    ++resets;
    return Done{};
  }};
  ASSERT_TRUE(other.device->reset());
  EXPECT_EQ(resets, 1);
  EXPECT_TRUE(other.machine.calls.empty());
}

TEST(KernelDevice, ADeviceThatMigratesByV2HasAResetWhateverItsFlagsSay) {
  class Forgetful final : public SystemCalls {
   public:
    bool migrates = true;
    int ioctl(int, unsigned long number, void*) override {
      errno = ENOTTY;
      return number == request::kDeviceGetInfo || migrates ? 0 : -1;  // no flags
    }
  };
  Forgetful system;
  auto device = KernelDevice::open(system, std::make_shared<Cancellation>(), {});
  EXPECT_TRUE((*device)->facts().resetSupported);
  system.migrates = false;
  device = KernelDevice::open(system, std::make_shared<Cancellation>(), {});
  EXPECT_FALSE((*device)->facts().resetSupported);
}

TEST(KernelDevice, AFeaturesPayloadGoesBothWaysBehindItsHeader) {
  Rig rig;
  rig.machine.feature = [](void* argument) {
    const auto header = *static_cast<vfio::DeviceFeature*>(argument);
    EXPECT_EQ(header.argsz, 16u);
    EXPECT_EQ(header.flags, vfio::kFeatureGet | vfio::kFeatureMigration);
    EXPECT_EQ(payloadOf<vfio::FeatureMigration>(argument).flags, 5u);
    return answer(argument, vfio::FeatureMigration{.flags = 7});
  };
  vfio::FeatureMigration payload{.flags = 5};
  ASSERT_TRUE(rig.device->feature(vfio::kFeatureGet | vfio::kFeatureMigration,
                                  std::as_writable_bytes(std::span{&payload, 1})));
  EXPECT_EQ(payload.flags, 7u);
}

TEST(KernelDevice, AMissingFeatureIsENOTTYAndAnUnpluggedDeviceALostConnection) {
  Rig rig;
  const auto missing = rig.device->feature(vfio::kFeatureGet | vfio::kFeatureMigration, {});
  EXPECT_EQ(codeOf(missing), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(missing.error().errorNumber, ENOTTY);
  rig.machine.feature = [](void*) { return ENODEV; };
  EXPECT_EQ(codeOf(rig.device->migrationState()), "TRANSSHIP_CONNECTION_LOST");
  EXPECT_EQ(codeOf(rig.device->setMigrationState(1)), "TRANSSHIP_CONNECTION_LOST");
  EXPECT_EQ(codeOf(rig.device->stopDmaLogging()), "TRANSSHIP_CONNECTION_LOST");
}

TEST(KernelDevice, AGetOfTheStateClosesNothing_V2_40) {
  Rig rig;
  const int bystander = ::memfd_create("bystander", 0);
  rig.machine.feature = [&](void* argument) {
    return answer(argument, vfio::FeatureMigState{.device_state = 3, .data_fd = bystander});
  };
  const auto state = rig.device->migrationState();
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, 3u);
  EXPECT_NE(::fcntl(bystander, F_GETFD), -1);
  ::close(bystander);
}

TEST(KernelDevice, ASetHandsOutTheSessionsDescriptor) {
  Rig rig;
  int data = -1;
  rig.machine.feature = [&](void* argument) {
    const auto ask = payloadOf<vfio::FeatureMigState>(argument);
    EXPECT_EQ(ask.data_fd, -1);
    data = ::memfd_create("data", 0);
    EXPECT_EQ(::write(data, "abc", 3), 3);
    EXPECT_EQ(::lseek(data, 0, SEEK_SET), 0);
    return answer(argument, vfio::FeatureMigState{.device_state = ask.device_state, .data_fd = data});
  };
  auto reply = rig.device->setMigrationState(3);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->state, 3u);
  Bytes into(8);
  EXPECT_EQ(*reply->data->read(into), 3u);
  reply->data.reset();
  EXPECT_EQ(::fcntl(data, F_GETFD), -1);
  rig.machine.feature = [](void* argument) {
    return answer(argument, vfio::FeatureMigState{.device_state = 1, .data_fd = -1});
  };
  EXPECT_EQ(rig.device->setMigrationState(1)->data, nullptr);
}

TEST(KernelDevice, ADescriptorThatComesWithAFailureIsClosed) {
  Rig rig;
  int data = -1;
  rig.machine.feature = [&](void* argument) {
    data = ::memfd_create("data", 0);
    answer(argument, vfio::FeatureMigState{.device_state = 3, .data_fd = data});
    return EFAULT;
  };
  EXPECT_EQ(rig.device->setMigrationState(3).error().errorNumber, EFAULT);
  EXPECT_EQ(::fcntl(data, F_GETFD), -1);
}

TEST(KernelDevice, DmaLoggingPassesItsRangesAndBitmapByAddress) {
  Rig rig;
  rig.machine.feature = [](void* argument) {
    EXPECT_EQ(static_cast<vfio::DeviceFeature*>(argument)->flags,
              vfio::kFeatureSet | vfio::kFeatureDmaLoggingStart);
    auto control = payloadOf<vfio::FeatureDmaLoggingControl>(argument);
    EXPECT_EQ(control.num_ranges, 2u);
    const auto* const ranges = reinterpret_cast<const vfio::FeatureDmaLoggingRange*>(control.ranges);
    EXPECT_EQ(ranges[1].iova, 0x10000u);
    EXPECT_EQ(ranges[1].length, 0x2000u);
    control.page_size = 8192;
    return answer(argument, control);
  };
  const std::vector<vfio::IovaRange> ranges{{.iova = 0, .length = 4096}, {.iova = 0x10000, .length = 0x2000}};
  EXPECT_EQ(*rig.device->startDmaLogging(ranges, 4096), 8192u);
  rig.machine.feature = [](void* argument) {
    EXPECT_EQ(static_cast<vfio::DeviceFeature*>(argument)->flags,
              vfio::kFeatureGet | vfio::kFeatureDmaLoggingReport);
    const auto report = payloadOf<vfio::FeatureDmaLoggingReport>(argument);
    EXPECT_EQ(report.page_size, 8192u);
    *reinterpret_cast<std::uint64_t*>(report.bitmap) |= 0x80;
    return 0;
  };
  std::vector<std::uint64_t> bitmap(1, 1);
  ASSERT_TRUE(rig.device->reportDmaLogging({.iova = 0x10000, .length = 0x2000}, 8192,
                                           std::as_writable_bytes(std::span{bitmap})));
  EXPECT_EQ(bitmap[0], 0x81u);
  rig.machine.feature = [](void* argument) {
    const auto header = *static_cast<vfio::DeviceFeature*>(argument);
    EXPECT_EQ(header.argsz, sizeof(header));
    EXPECT_EQ(header.flags, vfio::kFeatureSet | vfio::kFeatureDmaLoggingStop);
    return 0;
  };
  EXPECT_TRUE(rig.device->stopDmaLogging());
}

}  // namespace
}  // namespace transship::test

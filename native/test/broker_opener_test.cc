// The broker's way to devices of the kernel, and to one that a process has opened itself.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "broker/device_match.hh"
#include "broker/kernel_opener.hh"
#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

namespace fs = std::filesystem;
using broker::KernelOpener;
using broker::Match;

const std::string kName = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
constexpr const char* kAnonymous = "anon_inode:[vfio-device]";

struct Rig {
  KernelMachine machine = {};
  std::string procfs = machine.path("/proc");

  Rig() { machine.add(kName); }

  // A descriptor of a process, as /proc shows it.
  void descriptor(const std::string& process, int number, const std::string& target,
                  const std::string& info = "") {
    fs::create_directories(procfs + "/" + process + "/fd");
    fs::create_directories(procfs + "/" + process + "/fdinfo");
    fs::create_symlink(target, procfs + "/" + process + "/fd/" + std::to_string(number));
    std::ofstream(procfs + "/" + process + "/fdinfo/" + std::to_string(number)) << "pos:\t0\n" << info;
  }
  [[nodiscard]] std::string syspath(const std::string& name) const {
    return "vfio-device-syspath: /devices/parent/" + name + "\n";
  }
  [[nodiscard]] vfio::DevicePlace place() const { return *vfio::locateDevice(machine.paths(), kName); }
  [[nodiscard]] Match match(int number) const {
    return broker::matchDescriptor(procfs + "/42", number, place());
  }

  std::unique_ptr<KernelOpener> opener(pid_t process = 0) {
    auto iommu = std::make_shared<vfio::KernelIommu>(machine, machine.paths());
    return std::make_unique<KernelOpener>(
        machine, machine.paths(), broker::DeviceSpec{.name = "gpu/0", .address = kName, .process = process},
        std::move(iommu), procfs);
  }
};

TEST(BrokerOpener, OpensADeviceAndListensForItsRemoval) {
  Rig rig;
  const auto held = rig.opener()->open();
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_EQ(held->driver, "mtty");
  EXPECT_EQ(held->file.interface, vfio::Interface::kCdev);
  EXPECT_TRUE(held->removal);
  EXPECT_EQ(rig.machine.count("set-irqs vfio/devices/vfio0"), 1u);
  EXPECT_TRUE(held->present());
  rig.machine.removeFile("/sys/devices/parent/" + kName + "/vfio-dev/vfio0");
  EXPECT_FALSE(held->present());
}

TEST(BrokerOpener, ADriverWithoutARequestInterruptIsNoFailure) {
  Rig rig;
  for (const auto request :
       {vfio::request::kDeviceGetInfo, vfio::request::kDeviceGetIrqInfo, vfio::request::kDeviceSetIrqs}) {
    rig.machine.fail(request, {EINVAL});
    const auto held = rig.opener()->open();
    ASSERT_TRUE(held);
    EXPECT_FALSE(held->removal);
  }
}

TEST(BrokerOpener, SaysWhyADeviceCannotBeOpened) {
  Rig rig;
  rig.machine.failOpen("vfio/devices/vfio0", EBUSY);
  EXPECT_EQ(codeOf(rig.opener()->open()), "TRANSSHIP_DEVICE_BUSY");
  rig.machine.removeFile("/sys/bus/mdev/devices/" + kName);
  EXPECT_EQ(codeOf(rig.opener()->open()), "TRANSSHIP_DEVICE_NOT_FOUND");
}

TEST(BrokerOpener, ResetsByTheRequest) {
  Rig rig;
  const auto opener = rig.opener();
  const auto held = opener->open();
  rig.machine.fail(vfio::request::kDeviceReset, {EINTR, 0, EIO, ENODEV});
  EXPECT_TRUE(opener->reset(*held));
  EXPECT_EQ(opener->reset(*held).error().errorNumber, EIO);
  EXPECT_EQ(codeOf(opener->reset(*held)), "TRANSSHIP_CONNECTION_LOST");
}

TEST(BrokerOpener, KnowsADescriptorByWhatTheKernelSaysOfIt) {
  Rig rig;
  rig.descriptor("42", 3, "/dev/vfio/devices/vfio0");
  rig.descriptor("42", 4, "/dev/vfio/devices/vfio01");
  rig.descriptor("42", 5, kAnonymous);
  rig.descriptor("42", 6, kAnonymous, rig.syspath(kName));
  rig.descriptor("42", 7, kAnonymous, rig.syspath("0000:3b:00.1"));
  rig.descriptor("42", 8, "/dev/null");
  rig.descriptor("42", 9, kAnonymous, "vfio-device-syspath: " + rig.place().folder + "\n");
  EXPECT_EQ(rig.match(3), Match::kCdev);
  EXPECT_EQ(rig.match(4), Match::kNo);
  EXPECT_EQ(rig.match(5), Match::kPerhapsGroup);
  EXPECT_EQ(rig.match(6), Match::kGroup);
  EXPECT_EQ(rig.match(7), Match::kNo);
  EXPECT_EQ(rig.match(8), Match::kNo);
  EXPECT_EQ(rig.match(9), Match::kGroup);
  EXPECT_EQ(rig.match(10), Match::kNo);
}

TEST(BrokerOpener, TakesADuplicateFromAProcess) {
  Rig rig;
  const int theirs = ::memfd_create("theirs", MFD_CLOEXEC);
  const std::string self = std::to_string(::getpid());
  rig.descriptor(self, theirs, kAnonymous);
  const auto held = rig.opener(::getpid())->open();  // the duplicate is a real one, of this process
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_EQ(held->process, ::getpid());
  EXPECT_EQ(held->file.interface, vfio::Interface::kGroup);
  EXPECT_EQ(held->file.iommu, nullptr);
  EXPECT_FALSE(held->removal);  // the process's own affair
  ASSERT_EQ(::write(theirs, "same file", 9), 9);
  EXPECT_EQ(::lseek(held->file.fd.get(), 0, SEEK_CUR), 9);
  ::close(theirs);
}

TEST(BrokerOpener, DoesNotTakeWhatTookTheNumberOfTheDevice) {
  Rig rig;
  const UniqueFd device{::memfd_create("device", MFD_CLOEXEC)};
  const UniqueFd other{::memfd_create("other", MFD_CLOEXEC)};
  const std::string self = std::to_string(::getpid());
  rig.descriptor(self, device.get(), kAnonymous);
  // The process closes the device just before it is duplicated, and opens something else.
  struct Swapping final : SystemCalls {
    Rig& rig;
    std::string folder;
    int device;
    int other;
    bool back;
    Swapping(Rig& all, std::string process, int from, int to, bool again)
        : rig(all), folder(all.procfs + "/" + std::move(process)), device(from), other(to), back(again) {}
    int pidfdGetFd(int pidfd, int) override {
      if (!back) {
        fs::remove(folder + "/fd/" + std::to_string(device));
      }
      return SystemCalls::pidfdGetFd(pidfd, other);
    }
  };
  for (const bool back : {true, false}) {
    Swapping system{rig, self, device.get(), other.get(), back};
    KernelOpener opener{
        system, rig.machine.paths(), {.address = kName, .process = ::getpid()}, nullptr, rig.procfs};
    EXPECT_EQ(codeOf(opener.open()), "TRANSSHIP_DEVICE_NOT_FOUND") << back;
  }
}

TEST(BrokerOpener, UnmapsWholeAddressSpaces) {
  Rig rig;
  const auto opener = rig.opener();
  const auto held = opener->open();
  ASSERT_TRUE(held);
  EXPECT_TRUE(opener->unmapAll(*held));
  EXPECT_EQ(rig.machine.count("ioas-unmap iommu"), 1u);
  rig.machine.fail(vfio::request::kIoasUnmap, {ENOENT, EBUSY});
  EXPECT_TRUE(opener->unmapAll(*held));  // nothing was mapped
  EXPECT_EQ(opener->unmapAll(*held).error().errorNumber, EBUSY);
  Rig older;
  older.machine.removeFile("/dev/iommu");
  const auto olderOpener = older.opener();
  const auto byGroup = olderOpener->open();
  ASSERT_TRUE(byGroup);
  EXPECT_TRUE(olderOpener->unmapAll(*byGroup));
  EXPECT_EQ(older.machine.count("unmap-dma vfio/vfio"), 1u);
}

TEST(BrokerOpener, DoesNotGuessBetweenTwoDevicesOfAProcess) {
  Rig rig;
  const std::string self = std::to_string(::getpid());
  rig.descriptor(self, 1003, kAnonymous);
  rig.descriptor(self, 1004, kAnonymous);
  const auto refused = rig.opener(::getpid())->open();
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_DEVICE_NOT_FOUND");
  EXPECT_NE(refused.error().message.find("several"), std::string::npos);
  const int certain = ::memfd_create("theirs", MFD_CLOEXEC);
  rig.descriptor(self, certain, kAnonymous, rig.syspath(kName));
  EXPECT_TRUE(rig.opener(::getpid())->open());
  ::close(certain);
}

TEST(BrokerOpener, AProcessWithoutTheDeviceOrNoneAtAll) {
  Rig rig;
  rig.descriptor(std::to_string(::getpid()), 3, "/dev/null");
  EXPECT_EQ(codeOf(rig.opener(::getpid())->open()), "TRANSSHIP_DEVICE_NOT_FOUND");
  EXPECT_EQ(codeOf(rig.opener(1 << 29)->open()), "TRANSSHIP_DEVICE_NOT_FOUND");
  class Guarded final : public SystemCalls {
    int pidfdGetFd(int, int) override {
      errno = EPERM;
      return -1;
    }
  };
  Guarded guarded;
  rig.descriptor(std::to_string(::getpid()), 4, kAnonymous);
  KernelOpener opener{
      guarded, rig.machine.paths(), {.address = kName, .process = ::getpid()}, nullptr, rig.procfs};
  const auto refused = opener.open();
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_NOT_ALLOWED");
  EXPECT_NE(refused.error().message.find("CAP_SYS_PTRACE"), std::string::npos);
}

TEST(BrokerOpener, AdoptsOnlyThisDevice) {
  Rig rig;
  const int file = ::memfd_create("device", MFD_CLOEXEC);
  rig.descriptor("self", file, "/dev/vfio/devices/vfio0");
  const auto adopted = rig.opener()->adopt({.fd = UniqueFd{file}});
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->file.interface, vfio::Interface::kCdev);
  EXPECT_EQ(adopted->driver, "mtty");
  const int other = ::memfd_create("other", MFD_CLOEXEC);
  rig.descriptor("self", other, "/dev/null");
  EXPECT_EQ(codeOf(rig.opener()->adopt({.fd = UniqueFd{other}})), "TRANSSHIP_INVALID_ARGUMENT");
}

}  // namespace
}  // namespace transship::test

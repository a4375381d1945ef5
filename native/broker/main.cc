// transship-broker: keeps devices open and hands out duplicates. See docs/broker.md.
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <stdexcept>

#include "kernel_opener.hh"
#include "options.hh"
#include "server.hh"

namespace {

using namespace transship;
using namespace transship::broker;

constexpr int kBadUsage = 2;
// For requests to devices that are under way at the end.
constexpr std::chrono::milliseconds kPatience{2000};

std::string randomUuid() {
  std::string uuid;
  std::ifstream source("/proc/sys/kernel/random/uuid");
  std::getline(source, uuid);
  if (uuid.empty()) {
    throw std::runtime_error("cannot read /proc/sys/kernel/random/uuid");
  }
  return uuid;
}

void report(const std::string& device, const std::string& news) {
  std::fprintf(stderr, "transship-broker: %s: %s\n", device.c_str(), news.c_str());
}

// Devices of one workload share an address space; one without a workload has its own.
void openDevices(SystemCalls& system, const Options& options, Devices& devices) {
  const std::string instance = randomUuid();
  std::map<std::string, std::shared_ptr<vfio::KernelIommu>> shared;
  for (const DeviceSpec& spec : options.devices) {
    auto space = spec.workload.empty() ? nullptr : shared[spec.workload];
    if (!space) {
      space = std::make_shared<vfio::KernelIommu>(system, vfio::KernelPaths{});
      shared[spec.workload] = space;
    }
    auto opener = std::make_unique<KernelOpener>(system, vfio::KernelPaths{}, spec, std::move(space));
    const auto say = [name = spec.name](const std::string& news) { report(name, news); };
    devices.add(spec, std::make_unique<Keeper>(instance, std::move(opener), KeeperTiming{}, say));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--help") {
    std::fputs(usage(), stdout);
    return 0;
  }
  std::string why;
  const auto options = parseOptions(arguments, why);
  if (!options) {
    std::fprintf(stderr, "transship-broker: %s (--help lists the options)\n", why.c_str());
    return kBadUsage;
  }
  // A descriptor for every client, and some for every device.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);  // before any thread, so that all inherit it
  try {
    const UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC));
    SystemCalls system;
    Devices devices;
    {
      Server server(*options, devices);  // before any device, so that a second broker leaves them alone
      openDevices(system, *options, devices);
      std::puts("ready");
      std::fflush(stdout);
      server.run(signals.get());
    }
    if (!devices.stop(kPatience)) {
      ::_exit(0);  // a device does not answer; the kernel waits for it
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "transship-broker: %s\n", error.what());
    return 1;
  }
  return 0;
}

#include "vfio/broker_link.hh"

#include <poll.h>

#include <algorithm>
#include <random>
#include <vector>

namespace transship::vfio {
namespace {

// For one exchange; a reset that is under way elsewhere does not hold it up.
constexpr std::chrono::seconds kPatience{5};
// Between two tries: of a broker that does not listen yet (a device should not be without one for long), and
// of one that could not take the device, doubled up to about 5 s.
constexpr int kRetryMs = 160;
constexpr int kMostDoublings = 5;

// Whether the broker that answered so will say nothing else as long as it runs: it has opened the device
// itself, serves another user, or was shown another device.
bool final(ErrorCode code) {
  return code == ErrorCode::kDeviceBusy || code == ErrorCode::kNotAllowed ||
         code == ErrorCode::kInvalidArgument;
}

}  // namespace

BrokerLink::BrokerLink(SystemCalls& system, std::string path, std::string name, Incarnation incarnation,
                       UniqueFd device, std::shared_ptr<IommuFile> iommu)
    : system_(system),
      path_(std::move(path)),
      name_(std::move(name)),
      incarnation_(std::move(incarnation)),
      device_(std::move(device)),
      iommu_(std::move(iommu)),
      resets_(incarnation_.resets),
      thread_([this] { run(); }) {}

BrokerLink::~BrokerLink() {
  stop_.cancel();
  thread_.join();
}

void BrokerLink::run() {
  for (int refusals = 0; !stop_.cancelled();) {
    refusals = stayConnected() ? 0 : std::min(refusals + 1, kMostDoublings);
    pause(kRetryMs << refusals);
  }
}

// Give or take a half, so that the devices of a node do not come back together.
void BrokerLink::pause(int milliseconds) {
  thread_local std::minstd_rand random{std::random_device{}()};
  pollfd stop{.fd = stop_.fd(), .events = POLLIN, .revents = 0};
  system_.poll(&stop, 1, std::uniform_int_distribution<int>{milliseconds / 2, milliseconds * 3 / 2}(random));
}

std::string BrokerLink::request() const {
  return "adopt " + name_ + " " + incarnation_.instance + " " + std::to_string(incarnation_.opens) + " " +
         std::to_string(resets_.load(std::memory_order_acquire)) + " " +
         std::to_string(iommu_ ? iommu_->ioas : 0);
}

bool BrokerLink::stayConnected() {
  const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
  auto connection = BrokerConnection::connect(system_, stop_, path_, deadline);
  if (!connection) {
    return true;
  }
  std::vector<int> descriptors{device_.get()};
  if (iommu_) {
    descriptors.push_back(iommu_->fd.get());
  }
  const auto adopted = connection->exchange(request(), descriptors, deadline);
  if (!adopted && !final(adopted.error().code)) {
    return false;
  }
  [[maybe_unused]] const Status ended = connection->awaitEnd();
  return true;
}

}  // namespace transship::vfio

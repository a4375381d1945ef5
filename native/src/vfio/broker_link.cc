#include "vfio/broker_link.hh"

#include <vector>

namespace transship::vfio {
namespace {

// For one exchange; a reset that is under way elsewhere does not hold it up.
constexpr std::chrono::seconds kPatience{5};

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
  while (!stop_.cancelled()) {
    stayConnected();
    vfio_user::pauseBeforeRetry(system_, stop_, 4);
  }
}

std::string BrokerLink::request() const {
  return "adopt " + name_ + " " + incarnation_.instance + " " + std::to_string(incarnation_.opens) + " " +
         std::to_string(resets_.load(std::memory_order_acquire)) + " " +
         std::to_string(iommu_ ? iommu_->ioas : 0);
}

void BrokerLink::stayConnected() {
  const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
  auto connection = BrokerConnection::connect(system_, stop_, path_, deadline);
  if (!connection) {
    return;
  }
  std::vector<int> descriptors{device_.get()};
  if (iommu_) {
    descriptors.push_back(iommu_->fd.get());
  }
  // A broker that refuses now may take the device later, but only another one or after it has lost the
  // device.
  const auto adopted = connection->exchange(request(), descriptors, deadline);
  if (!adopted && adopted.error().code == ErrorCode::kConnectionLost) {
    return;
  }
  [[maybe_unused]] const Status ended = connection->awaitEnd();
}

}  // namespace transship::vfio

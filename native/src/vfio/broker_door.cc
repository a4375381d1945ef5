#include "vfio/broker_door.hh"

#include "vfio/broker_client.hh"
#include "vfio/kernel_device.hh"

namespace transship::vfio {
namespace {

Deadline after(std::chrono::milliseconds timeout) { return std::chrono::steady_clock::now() + timeout; }

OpenedDevice openedOf(BrokerReply& reply) {
  OpenedDevice opened{.fd = std::move(reply.descriptors[0]),
                      .interface = reply.texts["interface"] == "cdev" ? Interface::kCdev : Interface::kGroup,
                      .iommu = nullptr,
                      .group = nullptr};
  if (reply.descriptors.size() > 1) {
    opened.iommu = std::make_shared<IommuFile>(IommuFile{
        .fd = std::move(reply.descriptors[1]), .ioas = static_cast<std::uint32_t>(reply.numbers["ioas"])});
  }
  return opened;
}

}  // namespace

Result<std::unique_ptr<Device>> openBrokeredDevice(SystemCalls& system, std::shared_ptr<Cancellation> cancellation,
                                                   const std::string& path, const std::string& name,
                                                   std::chrono::milliseconds timeout) {
  auto reply = askBroker(system, *cancellation, path, "get " + name, {}, after(timeout));
  if (!reply) {
    return std::move(reply.error());
  }
  if (reply->descriptors.empty()) {
    return Error{.code = ErrorCode::kProtocolViolation, .message = "the broker passed no descriptor"};
  }
  const auto reset = [&system, cancellation, path, name](const OpenedDevice&) -> Status {
    // The device takes as long as it takes; cancellation ends the wait.
    auto done = askBroker(system, *cancellation, path, "reset " + name, {}, std::nullopt);
    return done ? Status{Done{}} : Status{std::move(done.error())};
  };
  auto device = KernelDevice::open(system, cancellation, openedOf(*reply), reset);
  return device ? Result<std::unique_ptr<Device>>{std::move(*device)} : std::move(device.error());
}

Result<std::string> describeBrokered(SystemCalls& system, const Cancellation& cancellation, const std::string& path,
                                     const std::string& name, std::chrono::milliseconds timeout) {
  auto reply = askBroker(system, cancellation, path, name.empty() ? "list" : "info " + name, {}, after(timeout));
  return reply ? Result<std::string>{std::move(reply->json)} : std::move(reply.error());
}

}  // namespace transship::vfio

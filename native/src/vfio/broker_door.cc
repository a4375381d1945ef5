#include "vfio/broker_door.hh"

#include <fcntl.h>

#include <system_error>

#include "vfio/broker_client.hh"
#include "vfio/broker_link.hh"
#include "vfio/kernel_device.hh"

namespace transship::vfio {
namespace {

// Of one list: a broker has at most 64 devices, and tells at least one in each.
constexpr int kMostReplies = 64;

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

Result<std::unique_ptr<Device>> openBrokeredDevice(SystemCalls& system,
                                                   std::shared_ptr<Cancellation> cancellation,
                                                   const std::string& path, const std::string& name,
                                                   std::chrono::milliseconds timeout) {
  auto reply = askBroker(system, *cancellation, path, "get " + name, after(timeout));
  if (!reply) {
    return std::move(reply.error());
  }
  if (reply->descriptors.empty()) {
    return Error{.code = ErrorCode::kProtocolViolation, .message = "the broker passed no descriptor"};
  }
  OpenedDevice opened = openedOf(*reply);
  std::shared_ptr<BrokerLink> link;
  try {
    link = std::make_shared<BrokerLink>(
        system, path, name,
        BrokerLink::Incarnation{reply->texts["instance"], reply->numbers["opens"], reply->numbers["resets"]},
        UniqueFd{system.fcntl(opened.fd.get(), F_DUPFD_CLOEXEC, 0)}, opened.iommu);
  } catch (const std::system_error& noThread) {
    return Error{.code = ErrorCode::kOutOfMemory, .message = "the system has no thread left for the device"};
  }
  const auto reset = [&system, cancellation, path, name, link](const OpenedDevice&) -> Status {
    // The device takes as long as it takes; cancellation ends the wait.
    auto done = askBroker(system, *cancellation, path, "reset " + name, std::nullopt);
    if (!done) {
      return std::move(done.error());
    }
    link->noteResets(done->numbers["resets"]);
    return Done{};
  };
  auto device = KernelDevice::open(system, cancellation, std::move(opened), reset);
  return device ? Result<std::unique_ptr<Device>>{std::move(*device)} : std::move(device.error());
}

Result<std::string> describeBrokered(SystemCalls& system, const Cancellation& cancellation,
                                     const std::string& path, const std::string& name,
                                     std::chrono::milliseconds timeout) {
  const Deadline deadline = after(timeout);
  std::string request = name.empty() ? "list" : "info " + name;
  std::string lines;
  for (int replies = 0; replies < kMostReplies; ++replies) {
    auto reply = askBroker(system, cancellation, path, request, deadline);
    if (!reply) {
      return std::move(reply.error());
    }
    lines += (lines.empty() ? "" : "\n") + reply->json;
    const auto more = reply->texts.find("more");
    if (more == reply->texts.end()) {
      return lines;
    }
    request = "list " + more->second;
  }
  return Error{.code = ErrorCode::kProtocolViolation, .message = "the broker's list has no end"};
}

}  // namespace transship::vfio

#include "support/broker_rig.hh"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace transship::test {
namespace {

using namespace std::chrono_literals;

// Whose gpu/0, gpu/1 and so on are.
const std::vector<std::string> kOwners{"trainer", "trainer", "other", ""};

UniqueFd memoryFile(const std::string& content) {
  UniqueFd file{::memfd_create("device", MFD_CLOEXEC)};
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

void signal(int event) {
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(event, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
}

}  // namespace

void FakeBackend::askBack() {
  const std::lock_guard lock{mutex};
  signal(removal.get());
}

broker::HeldDevice FakeOpener::held(vfio::OpenedDevice file) {
  backend_->removal.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return {.file = std::move(file),
          .driver = "fake",
          .removal = UniqueFd{::dup(backend_->removal.get())},
          .present = [backend = backend_] { return backend->present.load(); },
          .process = backend_->process};
}

Result<broker::HeldDevice> FakeOpener::open() {
  const std::lock_guard lock{backend_->mutex};
  if (!backend_->openErrors.empty()) {
    Error error = backend_->openErrors.front();
    // The last one stays, so that a device can be kept from opening.
    if (backend_->openErrors.size() > 1) {
      backend_->openErrors.pop_front();
    }
    return error;
  }
  ++backend_->opened;
  return held({.fd = memoryFile(backend_->content),
               .interface = vfio::Interface::kCdev,
               .iommu = backend_->withIommu ? backend_->iommu : nullptr});
}

Result<broker::ResetDone> FakeOpener::reset(const broker::HeldDevice& device) {
  EXPECT_TRUE(device.file.fd);
  while (backend_->stalled) {
    std::this_thread::sleep_for(1ms);
  }
  const std::lock_guard lock{backend_->mutex};
  if (backend_->resetErrno != 0 && backend_->busHelps) {
    return broker::ResetDone{.rung = broker::ResetRung::kBus, .first = "refused"};
  }
  if (backend_->resetErrno != 0) {
    return Error{.code = ErrorCode::kAccessFailed, .message = "refused", .errorNumber = backend_->resetErrno};
  }
  ++backend_->resets;
  return broker::ResetDone{};
}

Result<broker::HeldDevice> FakeOpener::adopt(vfio::OpenedDevice file) {
  const std::lock_guard lock{backend_->mutex};
  if (contentOf(file.fd.get()) != backend_->content) {
    return Error{.code = ErrorCode::kInvalidArgument, .message = "not this device"};
  }
  return held(std::move(file));
}

broker::FileUsers FakeOpener::users(std::span<const std::shared_ptr<const broker::HeldDevice>> devices) {
  const std::lock_guard lock{backend_->mutex};
  backend_->memory.push_back("users " + std::to_string(devices.size()));
  return backend_->users;
}

Status FakeOpener::unmapAll(const broker::HeldDevice& device) {
  EXPECT_TRUE(device.file.fd);
  while (backend_->unmapStalled) {
    std::this_thread::sleep_for(1ms);
  }
  const std::lock_guard lock{backend_->mutex};
  if (!backend_->unmapErrnos.empty()) {
    const int why = backend_->unmapErrnos.front();
    backend_->unmapErrnos.pop_front();
    backend_->memory.emplace_back("refused");
    return Error{.code = ErrorCode::kIommuRefused, .message = "refused", .errorNumber = why};
  }
  backend_->memory.emplace_back("unmap");
  return Done{};
}

BrokerRig::BrokerRig(uid_t agentUid, const std::string& instance)
    : agentUid_(agentUid), stop_(::eventfd(0, EFD_CLOEXEC)) {
  std::string name = (std::filesystem::temp_directory_path() / "transship-broker-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  std::map<std::string, std::shared_ptr<vfio::IommuFile>> spaces;
  for (std::size_t index = 0; index < kOwners.size(); ++index) {
    auto& space = spaces[kOwners[index]];
    if (!space) {
      space = std::make_shared<vfio::IommuFile>(
          vfio::IommuFile{.fd = memoryFile("space of " + kOwners[index]), .ioas = 5});
    }
    auto backend = std::make_shared<FakeBackend>();
    backend->content += " " + std::to_string(index);
    backend->iommu = space;
    backends_.push_back(std::move(backend));
  }
  begin(instance);
  for (std::size_t index = 0; index < kOwners.size(); ++index) {
    await(index, true);
  }
}

void BrokerRig::begin(const std::string& instance) {
  broker::Options options{.agentSocket = agent(), .agentUid = agentUid_};
  for (const std::string name : {"trainer", "other"}) {
    options.workloads.push_back({.name = name, .path = workload(name), .uid = ::geteuid()});
  }
  server_ = std::make_unique<broker::Server>(options, devices_);
  for (std::size_t index = 0; index < kOwners.size(); ++index) {
    const std::string device = "gpu/" + std::to_string(index);
    devices_.add({.name = device, .address = "address-" + std::to_string(index), .workload = kOwners[index]},
                 std::make_unique<broker::Keeper>(instance, std::make_unique<FakeOpener>(backends_[index]),
                                                  kFast, [](const std::string&) {}));
  }
  thread_ = std::thread([this] { server_->run(stop_.get()); });
}

void BrokerRig::restart(const std::string& instance) {
  end();
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  for (const auto& backend : backends_) {
    const std::lock_guard lock{backend->mutex};
    backend->openErrors = {
        Error{.code = ErrorCode::kDeviceBusy, .message = "held by another", .errorNumber = EBUSY}};
  }
  begin(instance);
}

void BrokerRig::await(std::size_t index, bool open) {
  const RawClient client{agent()};
  const auto end = std::chrono::steady_clock::now() + 20s;
  for (;;) {
    const std::string text = client.ask("info gpu/" + std::to_string(index)).text;
    if ((text.find("\"error\":null") != std::string::npos) == open) {
      return;
    }
    ASSERT_LT(std::chrono::steady_clock::now(), end) << text;
    std::this_thread::sleep_for(1ms);
  }
}

void BrokerRig::end() {
  if (!thread_.joinable()) {
    return;
  }
  signal(stop_.get());
  thread_.join();
  server_.reset();
  EXPECT_TRUE(devices_.stop(20s));
  devices_ = {};
}

BrokerRig::~BrokerRig() {
  end();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

bool has(const BrokerMessage& message, const std::string& part) {
  return message.text.find(part) != std::string::npos;
}

bool refused(const BrokerMessage& message, const std::string& code) {
  return has(message, R"({"ok":false,"code":")" + code + "\"") && message.descriptors.empty();
}

RawClient::RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << path;
}

void RawClient::send(const std::string& text, const std::vector<int>& descriptors) const {
  EXPECT_TRUE(broker::sendPacket(fd_.get(), text, descriptors));
}

BrokerMessage RawClient::receive(std::chrono::milliseconds timeout) const {
  pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&entry, 1, static_cast<int>(timeout.count())), 1);
  broker::Packet packet = broker::receivePacket(fd_.get(), 64 * 1024);
  return {.ended = packet.kind != broker::Packet::Kind::kRequest,
          .text = std::move(packet.text),
          .descriptors = std::move(packet.descriptors)};
}

BrokerMessage RawClient::ask(const std::string& text, const std::vector<int>& descriptors) const {
  send(text, descriptors);
  return receive();
}

std::string contentOf(int fd) {
  std::string content(4096, '\0');
  const ssize_t length = ::pread(fd, content.data(), content.size(), 0);
  content.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return content;
}

}  // namespace transship::test

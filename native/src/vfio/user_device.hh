#pragma once

#include <memory>
#include <string>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/device.hh"
#include "vfio/user_client.hh"
#include "vfio/user_features.hh"
#include "vfio/user_version.hh"

namespace transship::vfio_user {

struct UserDeviceOptions {
  /// For connecting and the version exchange together.
  std::chrono::milliseconds timeout{5000};
  /// Keeps bulk accesses below what was negotiated; 0 leaves them at that.
  std::size_t maxTransfer = 0;
};

/// The vfio-user door: a device that a server process on this machine offers over a Unix socket
/// (QEMU docs/interop/vfio-user.rst).
class UserDevice final : public vfio::Device {
 public:
  /// Connects, agrees on a version and asks what the device is. `system` must outlive the device. A server
  /// that serves another client lets a second one wait or hangs up on it; both are waited for until the
  /// deadline.
  ///
  /// Errors: those of UserSocket::connect and parseVersionReply; kConnectTimeout when the server did not
  /// serve this client in time.
  static Result<std::unique_ptr<UserDevice>> open(SystemCalls& system,
                                                  std::shared_ptr<Cancellation> cancellation,
                                                  const std::string& path, const UserDeviceOptions& options);

  [[nodiscard]] const vfio::DeviceFacts& facts() const override { return facts_; }
  Result<vfio::RegionFacts> region(std::uint32_t index) override;
  Status read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override;
  Status write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override;
  [[nodiscard]] std::size_t maxTransfer() const override { return maxTransfer_; }
  std::unique_ptr<vfio::RegionMapping> map(const vfio::RegionFacts& region) override;
  Status reset() override;
  Status feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) override;
  Result<std::uint32_t> migrationState() override;
  Result<vfio::MigrationStateReply> setMigrationState(std::uint32_t state) override;
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                        std::uint64_t pageSize) override;
  Status reportDmaLogging(vfio::IovaRange range, std::uint64_t pageSize,
                          std::span<std::byte> bitmap) override;
  Status stopDmaLogging() override;

 private:
  static Result<std::unique_ptr<UserDevice>> tryOpen(SystemCalls& system,
                                                     std::shared_ptr<Cancellation> cancellation,
                                                     const std::string& path,
                                                     const UserDeviceOptions& options, Deadline deadline);
  UserDevice(SystemCalls& system, UserClient client) : system_(system), client_(std::move(client)) {}

  /// Which v2 stream a state has.
  enum class Stream : std::uint8_t { kNone, kSaving, kResuming };
  [[nodiscard]] static Stream streamOf(std::uint32_t state) noexcept;

  Status negotiate(const UserDeviceOptions& options, Deadline deadline);
  Status readFacts(Deadline deadline);
  Status checkAccess(std::size_t size) const;
  Status checkAnswer(const RegionAccess& asked, const RegionAccess& answer, std::size_t size,
                     std::size_t dataSize);

  SystemCalls& system_;
  UserClient client_;
  UserFeatures features_{client_};
  /// That of the v2 state seen last.
  Stream stream_ = Stream::kNone;
  PeerLimits limits_;
  std::size_t maxTransfer_ = 0;
  vfio::DeviceFacts facts_;
};

}  // namespace transship::vfio_user

#pragma once

#include <functional>
#include <map>
#include <memory>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/device.hh"
#include "vfio/kernel_iommu.hh"

namespace transship::vfio {

/// A device of the kernel, over its open descriptor. ENODEV to any request but those on migration data is
/// kConnectionLost: the device was unplugged.
class KernelDevice final : public Device {
 public:
  /// Resets the device in place of VFIO_DEVICE_RESET on its descriptor.
  using Resetter = std::function<Status(const OpenedDevice&)>;

  /// Asks the device what it is. `device.iommu` and `device.group` may be null where somebody else keeps them
  /// open. `system` must outlive the device.
  static Result<std::unique_ptr<KernelDevice>> open(SystemCalls& system,
                                                    std::shared_ptr<Cancellation> cancellation,
                                                    OpenedDevice device, Resetter resetter = {});

  [[nodiscard]] const DeviceFacts& facts() const override { return facts_; }
  Result<RegionFacts> region(std::uint32_t index) override;
  Status read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override;
  Status write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override;
  [[nodiscard]] std::size_t maxTransfer() const override;
  std::unique_ptr<RegionMapping> map(const RegionFacts& region) override;
  Status reset() override;

  Status feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) override;
  Result<std::uint32_t> migrationState() override;
  Result<MigrationStateReply> setMigrationState(std::uint32_t state) override;
  Result<std::uint64_t> startDmaLogging(std::span<const IovaRange> ranges, std::uint64_t pageSize) override;
  Status reportDmaLogging(IovaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap) override;
  Status stopDmaLogging() override;

 private:
  KernelDevice(SystemCalls& system, std::shared_ptr<Cancellation> cancellation, OpenedDevice device,
               Resetter resetter)
      : system_(system),
        cancellation_(std::move(cancellation)),
        device_(std::move(device)),
        resetter_(std::move(resetter)) {}

  Status readFacts();
  Status request(const char* what, unsigned long number, void* argument);
  static Status checkMoved(const char* what, ssize_t moved, std::size_t wanted);
  /// Where an access of `size` bytes at `offset` of `region` is in the device's file.
  Result<std::int64_t> place(std::uint32_t region, std::uint64_t offset, std::size_t size);

  SystemCalls& system_;
  std::shared_ptr<Cancellation> cancellation_;
  struct Extent {
    std::uint64_t start;
    std::uint64_t size;
  };

  OpenedDevice device_;
  Resetter resetter_;
  DeviceFacts facts_;
  std::map<std::uint32_t, Extent> extents_;  // in the device's file, of the regions that were accessed
};

}  // namespace transship::vfio

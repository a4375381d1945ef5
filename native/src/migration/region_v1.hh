#pragma once

#include <memory>
#include <optional>

#include "migration/dma_log.hh"
#include "migration/region_window.hh"
#include "migration/resuming_sink.hh"
#include "migration/saving_stream.hh"
#include "migration/session.hh"
#include "migration/state_register.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// A device with the v1 migration region and, where it has the capability, NDMA
/// (RFC "vfio: Update/Clarify migration uAPI, add NDMA state").
class RegionV1 final : public Session {
 public:
  /// Finds the migration region by its type (V1-01), reads what the device is, and takes up the state it is
  /// in. `useMapping` false leaves the data section unmapped.
  ///
  /// A device found in SAVING or RESUMING has a stream that another client began: what was read or written of
  /// it is not known, so this session can only end it (V1-19).
  ///
  /// Errors: kNotMigratable without such a region, kBadRegionInfo for one that contradicts itself.
  static Result<std::unique_ptr<Session>> open(std::unique_ptr<vfio::Device> device, bool useMapping);

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  Result<DeviceState> state() override;
  Result<std::uint32_t> rawState() override { return state_.readRaw(); }
  Status arc(DeviceState to) override;
  Status reset() override;
  Result<NextSegment> nextSegment() override;
  Result<Piece> readSegment(std::span<std::byte> into) override;
  Result<std::uint64_t> pendingBytes() override;
  Status beginSegment(std::uint64_t size) override;
  Status writeSegment(std::span<const std::byte> data) override;
  Status commitSegment() override;
  Result<std::optional<std::uint64_t>> stopCopySize() override;
  Result<std::optional<vfio::PrecopyInfo>> precopyInfo() override;
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                        std::uint64_t pageSize) override;
  Result<std::vector<std::byte>> reportDmaLogging(vfio::IovaRange range) override;
  Status stopDmaLogging() override;
  Status readConfig(std::uint64_t offset, std::span<std::byte> into) override;
  Status writeConfig(std::uint64_t offset, std::span<const std::byte> from) override;
  Status regionRead(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override;
  Status regionWrite(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override;

 private:
  RegionV1(std::unique_ptr<vfio::Device> device, const vfio::RegionFacts& region,
           std::unique_ptr<vfio::RegionMapping> mapping);

  [[nodiscard]] Error noStream(ErrorCode code, const char* message) const;
  [[nodiscard]] std::optional<Error> notSaving() const;
  [[nodiscard]] std::optional<Error> notResuming() const;
  Status prepareToLeave(DeviceState to);
  Status walk(std::uint32_t current, DeviceState to);
  void follow(DeviceState before);

  std::unique_ptr<vfio::Device> device_;
  DmaLog dmaLog_;
  std::uint32_t region_;
  DeviceInfo info_;
  RegionWindow window_;
  StateRegister state_;
  /// Present while the device is in SAVING or RESUMING, respectively.
  std::optional<SavingStream> saving_;
  std::optional<ResumingSink> resuming_;
};

}  // namespace transship::migration

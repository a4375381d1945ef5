#pragma once

#include <memory>
#include <optional>

#include "migration/config_space.hh"
#include "migration/dma_log.hh"
#include "migration/session.hh"
#include "migration/v2_facts.hh"
#include "migration/v2_reader.hh"
#include "migration/v2_state.hh"
#include "migration/v2_writer.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// A device with the v2 migration features (struct vfio_device_feature_migration and its like in vfio.h).
///
/// The session asks for single arcs only, so that a set of devices can be held together on every state
/// between.
class SessionV2 final : public Session {
 public:
  /// Reads what the device is and takes up the state it is in; configures nothing. `flags` are those of
  /// migrationFlags().
  ///
  /// A device found in a state that has a stream has one that another client began: this session can only end
  /// it.
  static Result<std::unique_ptr<Session>> open(std::unique_ptr<vfio::Device> device, std::uint64_t flags);

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  Result<DeviceState> state() override { return state_.read(); }
  Result<std::uint32_t> rawState() override { return state_.readRaw(); }
  Status arc(DeviceState to) override;
  Status reset() override;
  Result<NextSegment> nextSegment() override;
  Result<Piece> readSegment(std::span<std::byte> into) override;
  /// Pre-copy: initial and dirty bytes. StopCopy: what the device said it would hand out, less what it did. 0
  /// when the device does not tell.
  Result<std::uint64_t> pendingBytes() override;
  Status beginSegment(std::uint64_t size) override;
  Status writeSegment(std::span<const std::byte> data) override;
  Status commitSegment() override;
  Result<std::optional<std::uint64_t>> stopCopySize() override { return migrationDataSize(*device_); }
  Result<std::optional<vfio::PrecopyInfo>> precopyInfo() override;
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                        std::uint64_t pageSize) override {
    return dmaLog_.start(ranges, pageSize);
  }
  Result<std::vector<std::byte>> reportDmaLogging(vfio::IovaRange range) override {
    return dmaLog_.report(range);
  }
  Status stopDmaLogging() override { return dmaLog_.stop(); }
  Status readConfig(std::uint64_t offset, std::span<std::byte> into) override {
    return readConfigSpace(*device_, offset, into);
  }
  Status writeConfig(std::uint64_t offset, std::span<const std::byte> from) override {
    return writeConfigSpace(*device_, offset, from);
  }
  Status regionRead(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override {
    return device_->read(region, offset, into);
  }
  Status regionWrite(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override {
    return device_->write(region, offset, from);
  }

 private:
  SessionV2(std::unique_ptr<vfio::Device> device, std::uint64_t flags);

  [[nodiscard]] Error noStream(ErrorCode code, const char* message) const;
  [[nodiscard]] std::optional<Error> notSaving() const;
  [[nodiscard]] std::optional<Error> notResuming() const;
  [[nodiscard]] std::optional<Error> notReadyToLeave() const;
  Status enter(DeviceState from, DeviceState to);
  /// Drops the streams that the known state has not.
  void closeEndedStreams(DeviceState before);
  Error loadRejected(Error error);

  std::unique_ptr<vfio::Device> device_;
  DmaLog dmaLog_;
  DeviceInfo info_;
  std::uint64_t flags_;
  StateV2 state_;
  /// Present while this session has the stream of the known state.
  std::optional<StreamReader> saving_;
  std::optional<StreamWriter> resuming_;
  /// The flags of pre-copy info mean something (V2-20).
  bool reinitReported_ = false;
};

}  // namespace transship::migration

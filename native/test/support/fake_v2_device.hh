#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/fake_device.hh"
#include "vfio/device.hh"

namespace transship::test {

/// A v2 device in memory, behind the door interface. It is obliging: it goes to whatever state it is asked
/// for, since what may be asked for is the client's to know. It records every request, and can be told to
/// fail or to lie.
///
/// Trace: "get", "set 6" (the number of the state), "read", "write 5" (bytes offered), "info", "reset",
/// "feature 0x20001" and "log start", "log report", "log stop".
class FakeV2Device final : public vfio::Device {
 public:
  struct Options {
    std::uint64_t flags = vfio::kMigrationStopCopy | vfio::kMigrationP2p | vfio::kMigrationPreCopy;
    bool reset = true;
    vfio::MigState initialState = vfio::MigState::kRunning;
    /// Has VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2.
    bool reinitReports = false;
    bool dmaLogging = true;
    /// VFIO_DEVICE_FEATURE_MIG_DATA_SIZE; absent without a value.
    std::optional<std::uint64_t> dataSize = {};
    /// A temporary end of pre-copy is ENOMSG, else a read of nothing.
    bool enomsg = true;
  };

  /// Streams opened and closed so far; outlives the device.
  struct Streams {
    int opened = 0;
    int closed = 0;
  };

  using Fault = std::function<std::optional<int>(const std::string& request)>;

  explicit FakeV2Device(Options options);

  // What the test sets and sees.

  /// What reads return, one entry each unless there is no room for it.
  std::deque<Bytes> preCopy = {};
  std::deque<Bytes> stopCopy = {};
  /// What was loaded, and the most that one write takes.
  Bytes loaded = {};
  std::size_t takesAtMost = SIZE_MAX;
  vfio::PrecopyInfo info = {};
  Trace trace = {};
  Fault fault = {};
  /// Writing it is what a foreign actor does.
  std::uint32_t state;
  /// Where a refused request leaves the device, if not where it was.
  std::optional<std::uint32_t> stateAfterFault = {};
  bool ignoreReset = false;
  /// Brings a stream with every reply, or with none.
  std::optional<bool> streamLie = {};
  std::optional<std::uint32_t> stateLie = {};
  /// Page size that the log uses, if not the one wished for, and the bits that a report sets.
  std::uint64_t pageSize = 0;
  Bytes dirty = {};
  std::vector<std::uint64_t> reportedPageSizes = {};
  std::shared_ptr<Streams> streams = std::make_shared<Streams>();

  [[nodiscard]] const vfio::DeviceFacts& facts() const override { return facts_; }
  Result<vfio::RegionFacts> region(std::uint32_t index) override;
  Status read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override;
  Status write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override;
  [[nodiscard]] std::size_t maxTransfer() const override { return 4096; }
  std::unique_ptr<vfio::RegionMapping> map(const vfio::RegionFacts&) override { return nullptr; }
  Status reset() override;
  Status feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) override;
  Result<std::uint32_t> migrationState() override;
  Result<vfio::MigrationStateReply> setMigrationState(std::uint32_t wanted) override;
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges, std::uint64_t wish) override;
  Status reportDmaLogging(vfio::IovaRange range, std::uint64_t page, std::span<std::byte> bitmap) override;
  Status stopDmaLogging() override;

  // For the streams.

  Result<std::size_t> readStream(int stream, std::span<std::byte> into);
  Result<std::size_t> writeStream(int stream, std::span<const std::byte> from);
  Result<vfio::PrecopyInfo> streamInfo(int stream);

 private:
  std::optional<Error> note(const std::string& request);
  /// The stream of the current state, 0 when it has none.
  int current_ = 0;

  Options options_;
  vfio::DeviceFacts facts_;
};

}  // namespace transship::test

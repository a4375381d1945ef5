#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vfio/device.hh"

namespace transship::test {

using Bytes = std::vector<std::byte>;

/// Bytes that differ from segment to segment and from place to place; the high bit is used.
Bytes patternBytes(std::size_t size, unsigned seed);

/// One access as the device saw it: "read 16/8" is a read of 8 bytes at offset 16 of the migration region,
/// "write device_state 0x9" a state write, "reset" a reset. Window accesses are "read data" and "write data".
using Trace = std::vector<std::string>;

/// A conforming v1 device in memory, behind the door interface: no socket, no thread. It does exactly what
/// the specification says, records every access, and can be told to fail.
class FakeDevice final : public vfio::Device {
 public:
  struct Options {
    bool ndma = true;
    bool reset = true;
    /// Index of the migration region; the other device specific region has another type.
    std::uint32_t migrationIndex = 10;
    std::size_t maxTransfer = 64;
    std::uint64_t regionSize = 4096 + 8192;
    std::vector<vfio::SparseMmapArea> mmapAreas = {};
    std::uint32_t initialState = vfio::kStateRunning;
    std::uint32_t reservedField = 0;
  };

  /// A fault of one access, by its trace entry: the errno, or none.
  using Fault = std::function<std::optional<int>(const std::string& access)>;

  explicit FakeDevice(Options options);

  // What the test sets and sees.

  /// Segments handed out while RUNNING, and in addition when not.
  std::deque<Bytes> preCopy = {};
  std::deque<Bytes> stopCopy = {};
  /// Segments taken in, as announced by data_size.
  std::vector<Bytes> loaded = {};
  Trace trace = {};
  Fault fault = {};
  /// The whole register. Writing it is what a foreign actor does.
  std::uint32_t stateRegister;
  /// What device_state shows after a refused write, if not the state before it.
  std::optional<std::uint32_t> stateAfterFault = {};
  /// Added to the data_offset and data_size that the device tells.
  std::uint64_t offsetLie = 0;
  std::uint64_t sizeLie = 0;
  /// Segments of size zero to hand out before the real ones.
  int emptySegments = 0;
  /// What pending_bytes tells when it is not zero; the true number when absent.
  std::optional<std::uint64_t> pendingLie = {};
  bool ignoreReset = false;

  [[nodiscard]] const vfio::DeviceFacts& facts() const override { return facts_; }
  Result<vfio::RegionFacts> region(std::uint32_t index) override;
  Status read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) override;
  Status write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) override;
  [[nodiscard]] std::size_t maxTransfer() const override { return options_.maxTransfer; }
  std::unique_ptr<vfio::RegionMapping> map(const vfio::RegionFacts& region) override;
  Status reset() override;
  // It speaks v1 alone.
  Status feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) override;
  Result<std::uint32_t> migrationState() override;
  Result<vfio::MigrationStateReply> setMigrationState(std::uint32_t state) override;
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                        std::uint64_t pageSize) override;
  Status reportDmaLogging(vfio::IovaRange range, std::uint64_t pageSize,
                          std::span<std::byte> bitmap) override;
  Status stopDmaLogging() override;

 private:
  std::optional<Error> note(const std::string& access);
  Status readMigration(std::uint64_t offset, std::span<std::byte> into);
  Status writeMigration(std::uint64_t offset, std::span<const std::byte> from);
  Status writeState(std::uint32_t value);
  Status takeSegment(std::uint64_t size);
  [[nodiscard]] std::uint64_t pending() const;
  void makeAvailable();
  void forgetSegment();

  Options options_;
  vfio::DeviceFacts facts_;
  Bytes window_;
  bool available_ = false;
  std::uint64_t dataOffset_;
  std::uint64_t dataSize_ = 0;
};

}  // namespace transship::test

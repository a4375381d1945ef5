#pragma once

#include <array>
#include <optional>

#include "front.hh"

namespace transship::emulator {

/// The v1 migration region with NDMA: registers in its first page, then the data section.
class RegionV1 final : public Front {
 public:
  explicit RegionV1(DeviceCore& core);

  void changed() override;
  int changeByItself(std::uint32_t nibble) override;
  /// Fills in what VFIO_DEVICE_GET_REGION_INFO says of the region.
  void describe(RegionDescription& description);
  [[nodiscard]] ReadResult read(std::uint64_t offset, std::uint32_t count);
  int write(std::uint64_t offset, std::span<const std::byte> data);
  /// Where data of a following write() may be put straight away; null when it has to be buffered.
  [[nodiscard]] std::byte* landing(std::uint64_t offset, std::uint32_t count);

 private:
  // region_v1.cc
  ReadResult readField(Observation& seen, Register reg, std::uint32_t width);
  ReadResult readData(Observation& seen);
  int writeField(Observation& seen, Register reg);
  int writeData(Observation& seen, std::span<const std::byte> data);
  [[nodiscard]] Observation observe(Action action, std::uint64_t offset, std::uint64_t length) const;
  // region_v1_state.cc
  int changeState(std::uint32_t value);
  int walk(std::uint32_t target);
  void update();
  // region_v1_data.cc
  std::uint64_t pendingBytes();
  int nextSegment(std::uint64_t& offset);
  std::uint64_t segmentSize();
  int takeSegment(std::uint64_t size);

  const std::uint32_t reserved_;            // bits 31:4 of device_state
  std::optional<std::uint32_t> pretended_;  // fault wrong-state
  std::optional<SaveStream::Place> committed_;
  std::optional<std::uint64_t> place_;  // of the segment that is being given
  bool zeroSeen_ = false;
  std::array<std::byte, 64> reply_{};
};

}  // namespace transship::emulator

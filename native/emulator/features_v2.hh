#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dma_engine.hh"
#include "front.hh"
#include "mig_state.hh"

namespace transship::emulator {

/// What VFIO_MIG_GET_PRECOPY_INFO says: estimates, bytes.
struct PrecopyEstimate {
  std::uint64_t initialBytes = 0;
  std::uint64_t dirtyBytes = 0;
  bool optedIn = false;  // the flags mean something (VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2)
  bool reinit = false;   // VFIO_PRECOPY_INFO_REINIT
};

/// The v2 device features, as vfio_main.c of Linux and a driver below it answer them; data goes as a stream
/// through the messages that vfio-user has for it. Every method that returns an int returns an errno or 0.
class FeaturesV2 final : public Front {
 public:
  explicit FeaturesV2(DeviceCore& core);

  void changed() override;
  int changeByItself(std::uint32_t nibble) override;
  void userChanged() override;

  /// Whether the device has the feature with that index at all.
  [[nodiscard]] bool offers(std::uint32_t feature) const;
  /// The errno that a feature-fault asks for.
  int featureFault(std::uint32_t feature);
  /// VFIO_DEVICE_FEATURE_MIGRATION: the flags.
  [[nodiscard]] std::uint64_t migrationFlags();

  // features_v2.cc: VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. States are numbers of enum vfio_device_mig_state.
  [[nodiscard]] std::uint32_t getState();
  int setState(std::uint32_t number);
  /// The user has sent a further message before the reply to a SET.
  void notePiledOn();

  // features_v2_data.cc
  /// Up to `count` bytes of the saving session. No bytes mean the end in STOP_COPY, and in pre-copy, unless
  /// it is ENOMSG there, that there is nothing now. ENODEV without a session.
  [[nodiscard]] ReadResult readData(std::uint32_t count);
  int writeData(std::span<const std::byte> data);
  int precopyInfo(bool wellFormed, PrecopyEstimate& estimate);
  int optIn();
  /// VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: what STOP_COPY is going to give.
  [[nodiscard]] std::uint64_t dataSize();

  // features_v2_log.cc
  /// `pageSize` is a hint, and afterwards what is in use.
  int startLog(std::uint64_t& pageSize, std::vector<DmaRange> ranges);
  int reportLog(DmaRange range, std::uint64_t pageSize, std::vector<std::byte>& bitmap);
  int stopLog();

 private:
  [[nodiscard]] MigFeatures features() const;
  int changeState(const std::optional<std::vector<std::uint32_t>>& path);
  int arc(std::uint32_t next);
  int walk(std::uint32_t next);
  void forgetSession();
  void update();
  [[nodiscard]] bool loadPartial() const;
  std::size_t fill(std::span<std::byte> to);
  int takeBytes(std::span<const std::byte> data);
  int takeHeader();
  int lose(int error);
  [[nodiscard]] std::uint64_t unread() const;

  std::optional<std::uint32_t> pretended_;  // fault wrong-state, a number
  std::vector<std::byte> out_;
  // Saving: the segment that is being handed out.
  std::optional<SaveStream::Place> current_;
  std::uint64_t position_ = 0;
  bool optedIn_ = false;
  // Resuming: the record that is being put together at the start of the window.
  std::uint64_t have_ = 0, want_ = 0;
  bool lost_ = false;  // the bytes make no sense; what follows cannot be told apart
};

}  // namespace transship::emulator

// The vfio-user wire format (QEMU docs/interop/vfio-user.rst): message header, commands and the
// payloads that Transship's client and its emulator exchange. All fields are little-endian (host order).
#pragma once

#include <cstddef>
#include <cstdint>

namespace transship::vfio_user {

enum class Command : std::uint16_t {
  kVersion = 1,
  kDmaMap = 2,
  kDmaUnmap = 3,
  kDeviceGetInfo = 4,
  kDeviceGetRegionInfo = 5,
  kDeviceGetRegionIoFds = 6,
  kDeviceGetIrqInfo = 7,
  kDeviceSetIrqs = 8,
  kRegionRead = 9,
  kRegionWrite = 10,
  kDmaRead = 11,
  kDmaWrite = 12,
  kDeviceReset = 13,
  kRegionWriteMulti = 15,
  kDeviceFeature = 16,
  kMigDataRead = 17,
  kMigDataWrite = 18,
};

inline constexpr std::uint32_t kFlagTypeMask = 0xF;
inline constexpr std::uint32_t kFlagTypeCommand = 0;
inline constexpr std::uint32_t kFlagTypeReply = 1;
inline constexpr std::uint32_t kFlagNoReply = 1u << 4;
inline constexpr std::uint32_t kFlagError = 1u << 5;

struct Header {
  std::uint16_t message_id;
  std::uint16_t command;
  std::uint32_t message_size;  // header included
  std::uint32_t flags;
  std::uint32_t error;  // errno, valid with kFlagError
};
static_assert(sizeof(Header) == 16);

struct VersionPayload {
  std::uint16_t major;
  std::uint16_t minor;
  // followed by a NUL-terminated JSON document of capabilities
};
static_assert(sizeof(VersionPayload) == 4);

inline constexpr std::uint16_t kVersionMajor = 0;
inline constexpr std::uint16_t kVersionMinor = 1;

struct RegionAccess {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;
  // data follows in a write command and in a read reply
};
static_assert(sizeof(RegionAccess) == 16);

// kDeviceFeature, both ways: argsz is the most that the reply payload may have, in the reply what it has.
struct DeviceFeature {
  std::uint32_t argsz;
  std::uint32_t flags;  // the feature's index and VFIO_DEVICE_FEATURE_GET, _SET or _PROBE (vfio/abi.hh)
  // payload follows: of a SET in the command and again in its reply, of a GET in the reply
};
static_assert(sizeof(DeviceFeature) == 8);

// VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. data_fd is unused: data goes by kMigDataRead and kMigDataWrite.
struct FeatureMigState {
  std::uint32_t device_state;
  std::uint32_t data_fd;
};
static_assert(sizeof(FeatureMigState) == 8);

// VFIO_DEVICE_FEATURE_DMA_LOGGING_START. No ranges at all log everything.
struct FeatureDmaLoggingControl {
  std::uint64_t page_size;
  std::uint32_t num_ranges;
  std::uint32_t reserved;
  // followed by num_ranges pairs of u64: iova, length
};
static_assert(sizeof(FeatureDmaLoggingControl) == 16);

// VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT
struct FeatureDmaLoggingReport {
  std::uint64_t iova;
  std::uint64_t length;
  std::uint64_t page_size;
  // in the reply followed by the bitmap: little-endian u64 words, one bit a page
};
static_assert(sizeof(FeatureDmaLoggingReport) == 24);

// kMigDataRead and kMigDataWrite. A read asks for `size` bytes and is answered with `size` bytes of data,
// which may be fewer, in a message that may still be as long as was asked for. A write has `size` bytes of
// data; its reply has no payload, so it is taken whole or refused.
struct MigData {
  std::uint32_t argsz;  // like that of DeviceFeature, data included
  std::uint32_t size;
  // data follows in a read's reply and in a write command
};
static_assert(sizeof(MigData) == 8);

// A peer that names no max_data_xfer_size gets this one (the protocol's default).
inline constexpr std::size_t kDefaultMaxDataTransfer = 1024 * 1024;
// Upper bound of one message that either side accepts: the largest transfer plus room for headers.
inline constexpr std::size_t kMaxMessageSize = 16 * 1024 * 1024 + 4096;
inline constexpr std::size_t kMaxMessageFds = 8;

}  // namespace transship::vfio_user

#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/unique_fd.hh"
#include "device.hh"
#include "vfio/user_protocol.hh"

namespace transship::emulator {

// The payload of any command but a transfer is small; one that is larger comes from no client of this
// protocol.
inline constexpr std::size_t kMaxPayload = 64 * 1024;

/// The published protocol has no message for VFIO_MIG_GET_PRECOPY_INFO. This one is the emulator's own:
/// struct vfio_precopy_info in both directions. Its number is that of a capability in the version reply,
/// "x_mig_precopy_info", which is there when the device has estimates.
inline constexpr vfio_user::Command kMigPrecopyInfo{0x8000};

/// Speaks vfio-user with one client of one device until either side closes. The first message has to be the
/// version; everything else is a command with a reply (unless the client wants none).
class Connection {
 public:
  /// `maxTransfer` is offered as max_data_xfer_size; a larger transfer is answered with EINVAL.
  Connection(Device& device, int socket, std::size_t maxTransfer);
  void serve();

 private:
  struct Message {
    vfio_user::Header header;
    std::vector<UniqueFd> fds;
    std::size_t payload;  // bytes that follow the header and are still to be received
  };

  [[nodiscard]] bool receiveHeader(Message& message);
  [[nodiscard]] bool handle(Message& message);
  [[nodiscard]] bool version(Message& message);
  [[nodiscard]] bool deviceInfo(Message& message);
  [[nodiscard]] bool regionInfo(Message& message);
  [[nodiscard]] bool irqInfo(Message& message);
  [[nodiscard]] bool setIrqs(Message& message);
  [[nodiscard]] bool regionRead(Message& message);
  [[nodiscard]] bool regionWrite(Message& message);
  // connection_features.cc
  [[nodiscard]] bool deviceFeature(Message& message);
  [[nodiscard]] bool migDataRead(Message& message);
  [[nodiscard]] bool migDataWrite(Message& message);
  [[nodiscard]] bool migPrecopyInfo(Message& message);
  // connection_dma.cc
  [[nodiscard]] bool dmaMap(Message& message);
  [[nodiscard]] bool dmaUnmap(Message& message);

  enum class Received { kAll, kRefused, kGone };

  // Receives a payload that starts with `fixed`; the rest of it goes to buffer_. One that is too short has
  // been answered with EINVAL when this returns kRefused; after kGone the connection is over.
  template <typename T>
  [[nodiscard]] Received receive(Message& message, T& fixed) {
    return receiveFixed(message, std::as_writable_bytes(std::span(&fixed, 1)));
  }
  [[nodiscard]] Received receiveFixed(Message& message, std::span<std::byte> fixed);
  [[nodiscard]] bool discard(Message& message);
  [[nodiscard]] bool reply(const Message& message, std::vector<iovec> parts, int fd = -1);
  [[nodiscard]] bool fail(Message& message, int error);

  Device& device_;
  const int socket_;
  const std::size_t maxTransfer_;
  bool greeted_ = false;
  std::vector<std::byte> buffer_;
};

}  // namespace transship::emulator

// The workload's memory, as far as the user maps it for the device.
#include <cerrno>

#include "connection.hh"
#include "socket.hh"

namespace transship::emulator {
namespace {

// VFIO_USER_DMA_MAP and VFIO_USER_DMA_UNMAP (QEMU docs/interop/vfio-user.rst).
struct DmaMap {
  std::uint32_t argsz, flags;
  std::uint64_t offset, address, size;
};
struct DmaUnmap {
  std::uint32_t argsz, flags;
  std::uint64_t address, size;
};
constexpr std::uint32_t kUnmapAll = 1u << 1;

}  // namespace

bool Connection::dmaMap(Message& message) {
  DmaMap map{};
  if (const Received received = receive(message, map); received != Received::kAll) {
    return received == Received::kRefused;
  }
  // Memory without a descriptor could be reached by messages only. The device leaves it alone.
  const DmaRange range{map.address, map.size};
  const int error =
      message.fds.empty() ? 0 : device_.dma().map(range, std::move(message.fds.front()), map.offset);
  return error == 0 ? reply(message, {}) : fail(message, error);
}

bool Connection::dmaUnmap(Message& message) {
  DmaUnmap unmap{};
  if (const Received received = receive(message, unmap); received != Received::kAll) {
    return received == Received::kRefused;
  }
  if ((unmap.flags & kUnmapAll) != 0) {
    device_.dma().unmapAll();
  } else {
    device_.dma().unmap({unmap.address, unmap.size});
  }
  return reply(message, {part(unmap), partOf(buffer_)});
}

}  // namespace transship::emulator

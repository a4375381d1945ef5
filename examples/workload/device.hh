#pragma once

#include <cstdint>

#include "broker.hh"

/// The device that this workload drives: a 16550 UART in BAR 0 of a VFIO device, as the kernel's mtty sample
/// has it. In loopback it gives back what it is sent; its FIFO is device state, which the migration carries.
/// Every call throws std::system_error when the device refuses.
class Uart {
 public:
  explicit Uart(DeviceFiles files);

  [[nodiscard]] const DeviceFiles& files() const { return files_; }

  /// Loopback, FIFO on and empty. Not after a load: the device then is as it was.
  void setUp() const;
  [[nodiscard]] bool hasByte() const;
  [[nodiscard]] std::uint8_t receive() const;
  void send(std::uint8_t byte) const;

  /// For a device that has a DMA engine behind its UART (test/kernel/module): from now on it writes a growing
  /// number, one slot of `stride` bytes after the other, to `length` bytes at `iova`, and begins again.
  void startDma(std::uint64_t iova, std::uint64_t length, std::uint64_t stride,
                std::uint32_t intervalUs) const;

 private:
  [[nodiscard]] std::uint8_t read(std::uint64_t offset) const;
  template <typename T>
  void write(std::uint64_t offset, T value) const;
  [[nodiscard]] std::uint64_t regionOffset(std::uint32_t index) const;

  DeviceFiles files_;
  std::uint64_t bar0_ = 0;
};

#include "device.hh"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

constexpr std::uint64_t kData = 0;          // RBR, THR
constexpr std::uint64_t kFifoControl = 2;   // FCR
constexpr std::uint64_t kLineControl = 3;   // LCR
constexpr std::uint64_t kModemControl = 4;  // MCR
constexpr std::uint64_t kLineStatus = 5;    // LSR
constexpr std::uint8_t kDataReady = 0x01;
constexpr std::uint8_t kLoop = 0x10;
constexpr std::uint8_t kEightBits = 0x03;
constexpr std::uint8_t kFifoOnAndEmpty = 0x07;

constexpr std::uint64_t kDmaIova = 0x10;
constexpr std::uint64_t kDmaLength = 0x18;
constexpr std::uint64_t kDmaStride = 0x20;
constexpr std::uint64_t kDmaIntervalUs = 0x28;
constexpr std::uint64_t kDmaControl = 0x2c;
constexpr std::uint64_t kPciCommand = 4;
constexpr std::uint16_t kMemoryAndBusMaster = 0x6;

}  // namespace

Uart::Uart(DeviceFiles files) : files_(std::move(files)), bar0_(regionOffset(VFIO_PCI_BAR0_REGION_INDEX)) {}

void Uart::setUp() const {
  write(kLineControl, kEightBits);
  write(kModemControl, kLoop);
  write(kFifoControl, kFifoOnAndEmpty);
}

bool Uart::hasByte() const { return (read(kLineStatus) & kDataReady) != 0; }

std::uint8_t Uart::receive() const { return read(kData); }

void Uart::send(std::uint8_t byte) const { write(kData, byte); }

void Uart::startDma(std::uint64_t iova, std::uint64_t length, std::uint64_t stride,
                    std::uint32_t intervalUs) const {
  const auto command = static_cast<off_t>(regionOffset(VFIO_PCI_CONFIG_REGION_INDEX) + kPciCommand);
  std::uint16_t bits = 0;
  must(::pread(files_.device.get(), &bits, sizeof(bits), command), "read of the PCI command register");
  bits |= kMemoryAndBusMaster;
  must(::pwrite(files_.device.get(), &bits, sizeof(bits), command), "write to the PCI command register");
  write(kDmaIova, iova);
  write(kDmaLength, length);
  write(kDmaStride, stride);
  write(kDmaIntervalUs, intervalUs);
  write(kDmaControl, std::uint32_t{1});
}

std::uint8_t Uart::read(std::uint64_t offset) const {
  std::uint8_t value = 0;
  must(::pread(files_.device.get(), &value, 1, static_cast<off_t>(bar0_ + offset)), "read of BAR 0");
  return value;
}

template <typename T>
void Uart::write(std::uint64_t offset, T value) const {
  must(::pwrite(files_.device.get(), &value, sizeof(value), static_cast<off_t>(bar0_ + offset)),
       "write to BAR 0");
}

std::uint64_t Uart::regionOffset(std::uint32_t index) const {
  vfio_region_info info{};
  info.argsz = sizeof(info);
  info.index = index;
  must(::ioctl(files_.device.get(), VFIO_DEVICE_GET_REGION_INFO, &info), "VFIO_DEVICE_GET_REGION_INFO");
  return info.offset;
}

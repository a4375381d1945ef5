#include "memory.hh"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace {

// linux/iommufd.h, which is younger than the headers of Debian 12.
struct IoasMap {
  std::uint32_t size = sizeof(IoasMap);
  std::uint32_t flags = 0x7;  // fixed IOVA, writeable, readable
  std::uint32_t ioas = 0;
  std::uint32_t reserved = 0;
  std::uint64_t address = 0;
  std::uint64_t length = 0;
  std::uint64_t iova = 0;
};
struct IoasUnmap {
  std::uint32_t size = sizeof(IoasUnmap);
  std::uint32_t ioas = 0;
  std::uint64_t iova = 0;
  std::uint64_t length = 0;
};
constexpr unsigned long kIoasMap = _IO(';', 0x85);
constexpr unsigned long kIoasUnmap = _IO(';', 0x86);

}  // namespace

DmaMemory::DmaMemory(std::uint64_t iova, std::size_t size) : iova_(iova), size_(size) {
  void* const base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mmap");
  }
  base_ = static_cast<std::byte*>(base);
}

DmaMemory::~DmaMemory() { ::munmap(base_, size_); }

void DmaMemory::map(const DeviceFiles& files) const {
  unmap(files);
  if (files.iommufd) {
    IoasMap request;
    request.ioas = files.ioas;
    request.address = reinterpret_cast<std::uintptr_t>(base_);
    request.length = size_;
    request.iova = iova_;
    must(::ioctl(files.iommu.get(), kIoasMap, &request), "IOMMU_IOAS_MAP");
    return;
  }
  vfio_iommu_type1_dma_map request{};
  request.argsz = sizeof(request);
  request.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  request.vaddr = reinterpret_cast<std::uintptr_t>(base_);
  request.iova = iova_;
  request.size = size_;
  must(::ioctl(files.iommu.get(), VFIO_IOMMU_MAP_DMA, &request), "VFIO_IOMMU_MAP_DMA");
}

void DmaMemory::unmap(const DeviceFiles& files) const noexcept {
  // Fails where nothing is mapped, which is what is wanted.
  if (files.iommufd) {
    IoasUnmap request;
    request.ioas = files.ioas;
    request.iova = iova_;
    request.length = size_;
    ::ioctl(files.iommu.get(), kIoasUnmap, &request);
    return;
  }
  vfio_iommu_type1_dma_unmap request{};
  request.argsz = sizeof(request);
  request.iova = iova_;
  request.size = size_;
  ::ioctl(files.iommu.get(), VFIO_IOMMU_UNMAP_DMA, &request);
}

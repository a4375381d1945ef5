#include "window.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace transship::emulator {
namespace {

constexpr std::size_t kPage = 4096;

constexpr std::size_t wholePages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

Window::Window(std::size_t bytes, MmapMode mode)
    : fd_(::memfd_create("migration-region", MFD_CLOEXEC)), size_(kDataStart + wholePages(bytes)) {
  if (!fd_ || ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
    throw std::system_error(errno, std::generic_category(), "migration region");
  }
  void* const area = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), 0);
  if (area == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "migration region");
  }
  base_ = static_cast<std::byte*>(area);
  const std::size_t section = size_ - kDataStart;
  if (mode == MmapMode::kFull) {
    areas_.push_back({kDataStart, section});
  } else if (mode == MmapMode::kMixed) {
    const std::size_t trapped = wholePages(section / 2);
    areas_.push_back({kDataStart + trapped, section - trapped});
  }
}

Window::~Window() { ::munmap(base_, size_); }

bool Window::contains(std::uint64_t offset, std::uint64_t count) const noexcept {
  return offset >= kDataStart && offset <= size_ && count <= size_ - offset;
}

std::uint64_t Window::nextPlace(std::size_t segment) noexcept {
  const std::size_t step = wholePages(segment - segment / 4);
  if (!contains(cursor_, segment)) {
    cursor_ = kDataStart;
  }
  const std::uint64_t place = cursor_;
  cursor_ += step;
  return place;
}

}  // namespace transship::emulator

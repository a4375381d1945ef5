#include "common/system_calls.hh"

#include <sys/mman.h>
#include <sys/stat.h>

namespace transship {

int SystemCalls::socket(int domain, int type, int protocol) { return ::socket(domain, type, protocol); }

int SystemCalls::connect(int fd, const sockaddr* address, socklen_t length) {
  return ::connect(fd, address, length);
}

int SystemCalls::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return ::setsockopt(fd, level, name, value, length);
}

ssize_t SystemCalls::sendmsg(int fd, const msghdr* message, int flags) {
  return ::sendmsg(fd, message, flags);
}

ssize_t SystemCalls::recvmsg(int fd, msghdr* message, int flags) { return ::recvmsg(fd, message, flags); }

int SystemCalls::poll(pollfd* fds, nfds_t count, int timeoutMs) { return ::poll(fds, count, timeoutMs); }

void* SystemCalls::mmap(std::size_t length, int protection, int fd, std::int64_t offset) {
  return ::mmap(nullptr, length, protection, MAP_SHARED, fd, offset);
}

int SystemCalls::munmap(void* address, std::size_t length) { return ::munmap(address, length); }

std::int64_t SystemCalls::fileSize(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_size : -1;
}

}  // namespace transship

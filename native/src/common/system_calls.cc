#include "common/system_calls.hh"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace transship {

int SystemCalls::socket(int domain, int type, int protocol) { return ::socket(domain, type, protocol); }

int SystemCalls::connect(int fd, const sockaddr* address, socklen_t length) {
  return ::connect(fd, address, length);
}

int SystemCalls::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return ::setsockopt(fd, level, name, value, length);
}

int SystemCalls::getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  return ::getsockopt(fd, level, name, value, length);
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

int SystemCalls::open(const char* path, int flags) { return ::open(path, flags); }

int SystemCalls::ioctl(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
}

ssize_t SystemCalls::read(int fd, void* into, std::size_t length) { return ::read(fd, into, length); }

ssize_t SystemCalls::write(int fd, const void* from, std::size_t length) { return ::write(fd, from, length); }

ssize_t SystemCalls::pread(int fd, void* into, std::size_t length, std::int64_t offset) {
  return ::pread(fd, into, length, offset);
}

ssize_t SystemCalls::pwrite(int fd, const void* from, std::size_t length, std::int64_t offset) {
  return ::pwrite(fd, from, length, offset);
}

int SystemCalls::fcntl(int fd, int command, int argument) { return ::fcntl(fd, command, argument); }

// Younger than the wrappers of many C libraries.
int SystemCalls::pidfdOpen(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

int SystemCalls::pidfdGetFd(int pidfd, int targetFd) {
  return static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, targetFd, 0));
}

int SystemCalls::sameFile(int ownFd, pid_t theirs, int theirFd) {
  return static_cast<int>(::syscall(SYS_kcmp, ::getpid(), theirs, KCMP_FILE, ownFd, theirFd));
}

}  // namespace transship

#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>

namespace transship {

/// The system calls of the doors, so that a test can make each of them fail or fall short. The base class
/// makes the real calls; returns and errno are those of the calls themselves.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;

  virtual int socket(int domain, int type, int protocol);
  virtual int connect(int fd, const sockaddr* address, socklen_t length);
  virtual int setsockopt(int fd, int level, int name, const void* value, socklen_t length);
  virtual int getsockopt(int fd, int level, int name, void* value, socklen_t* length);
  virtual ssize_t sendmsg(int fd, const msghdr* message, int flags);
  virtual ssize_t recvmsg(int fd, msghdr* message, int flags);
  virtual int poll(pollfd* fds, nfds_t count, int timeoutMs);
  virtual void* mmap(std::size_t length, int protection, int fd, std::int64_t offset);
  virtual int munmap(void* address, std::size_t length);
  /// Size of the file behind a descriptor, -1 with errno when it cannot be told.
  virtual std::int64_t fileSize(int fd);

  virtual int open(const char* path, int flags);
  /// `argument` is a pointer, or an integer where the request takes one.
  virtual int ioctl(int fd, unsigned long request, void* argument);
  virtual ssize_t read(int fd, void* into, std::size_t length);
  virtual ssize_t write(int fd, const void* from, std::size_t length);
  virtual ssize_t pread(int fd, void* into, std::size_t length, std::int64_t offset);
  virtual ssize_t pwrite(int fd, const void* from, std::size_t length, std::int64_t offset);
  virtual int fcntl(int fd, int command, int argument);
  virtual int pidfdOpen(pid_t pid);
  /// A duplicate of the descriptor `targetFd` of the process behind `pidfd`, close-on-exec.
  virtual int pidfdGetFd(int pidfd, int targetFd);
  /// kcmp(2) with KCMP_FILE: 0 when descriptor `ownFd` of this process and `theirFd` of the process `theirs`
  /// are of the same open file, more than 0 when they are not.
  virtual int sameFile(int ownFd, pid_t theirs, int theirFd);
};

}  // namespace transship

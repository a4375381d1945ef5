#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/unique_fd.hh"

namespace transship::emulator {

/// A listening Unix stream socket at `path`; a socket that is there already is replaced. Throws
/// std::system_error (a path may have 107 bytes at most).
[[nodiscard]] UniqueFd listenUnix(const std::string& path);

/// Takes one waiting connection; empty when it has gone again.
[[nodiscard]] UniqueFd acceptUnix(int listener);

/// Receives exactly `to.size()` bytes. Descriptors that come along are appended to `fds` (closed when `fds`
/// is null). False at the end of the stream or on an error.
[[nodiscard]] bool receiveAll(int socket, std::span<std::byte> to, std::vector<UniqueFd>* fds = nullptr);

/// A value's or some bytes' memory as a part of sendAll(); it must outlive the call.
template <typename T>
[[nodiscard]] iovec part(const T& value) {
  return {const_cast<T*>(&value), sizeof(T)};
}
[[nodiscard]] inline iovec partOf(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

/// Sends all parts, and the descriptor with the first byte unless it is negative. False on an error.
[[nodiscard]] bool sendAll(int socket, std::vector<iovec> parts, int fd = -1);

/// Whether bytes wait to be received.
[[nodiscard]] bool pendingInput(int socket);

/// Whether the other side has closed its end.
[[nodiscard]] bool peerGone(int socket);

}  // namespace transship::emulator

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hh"

namespace transship::broker {

/// Who is at the other end of a connection, as the kernel saw it connect.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};

/// Whether the descriptors that come with a packet are taken.
enum class Descriptors : std::uint8_t { kTaken, kRefused };

/// Listens on a Unix socket of whole packets (SOCK_SEQPACKET) that only `mode` and `owner` let connect. A
/// socket file that nobody listens on any more is replaced; throws std::system_error, EADDRINUSE when
/// somebody does.
///
/// Refused descriptors are refused to their sender by the kernel from Linux 6.16 on (SO_PASSRIGHTS), since
/// dropping one in flight closes it here, and there are files whose close waits (SO_LINGER). Before that a
/// connection, too, may have some in flight and is to be closed by a Closer.
UniqueFd listenPackets(const std::string& path, mode_t mode, uid_t owner,
                       Descriptors descriptors = Descriptors::kTaken);

/// The next connection, not blocking; empty when there is none.
UniqueFd acceptPackets(int listener);

/// Peer credentials (SO_PEERCRED); those of nobody when the system does not tell.
Peer peerOf(int socket);

struct Packet {
  enum class Kind : std::uint8_t { kRequest, kTooLong, kNone, kEnd };

  Kind kind = Kind::kEnd;
  std::string text = {};
  std::vector<UniqueFd> descriptors = {};
};

/// Takes one packet of at most `most` bytes and two descriptors; a longer one, or one with descriptors that
/// are refused, is kTooLong, none waiting kNone. Refused descriptors are in the packet, since closing them
/// may block: a Closer is to have them.
Packet receivePacket(int socket, std::size_t most, Descriptors descriptors = Descriptors::kTaken);

/// Sends one packet with descriptors; false when the peer is gone or does not take its replies.
bool sendPacket(int socket, std::string_view text, const std::vector<int>& descriptors = {});

}  // namespace transship::broker

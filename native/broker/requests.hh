#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices.hh"

namespace transship::broker {

inline constexpr std::size_t kMaxRequest = 512;
inline constexpr std::size_t kMaxReply = 64 * 1024;

/// What the broker does with one request.
struct Answer {
  std::string text = {};
  /// Passed along with the reply; `keep` holds them open until it is sent.
  std::vector<int> descriptors = {};
  std::shared_ptr<const HeldDevice> keep = {};
  /// A reset to begin; the reply follows it, and `text` is empty.
  Device* toReset = nullptr;
};

/// Answers a packet: the request's text and the descriptors that came with it.
Answer answerRequest(Devices& devices, const Asker& asker, std::string_view request,
                     std::vector<UniqueFd> descriptors);

/// The devices of an address space that is to be emptied: all of them were reset after the last workload that
/// had one ended. Empty when there is nothing to do, or not yet. Asked after a reset.
std::vector<Device*> leftMemory(Devices& devices, Device& afterReset);

/// The reply to a reset that has come to its end.
std::string resetReply(const Result<Keeper::Reset>& outcome);

/// { ok: false, code, error, errno }
std::string refusal(std::string_view code, std::string_view message, int errorNumber = 0);

}  // namespace transship::broker

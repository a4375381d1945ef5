#include "requests.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "common/json_writer.hh"

namespace transship::broker {
namespace {

constexpr std::size_t kMaxWords = 6;
// Keeps the reply to `list` below its limit.
constexpr std::size_t kMaxErrorText = 300;
constexpr const char* kOpening = "the device is being opened";
constexpr const char* kAdopt = "adopt NAME INSTANCE OPENS RESETS IOAS";

using Words = std::vector<std::string_view>;

// Words with one space between them, of printable ASCII; empty when it is anything else.
Words splitRequest(std::string_view text) {
  Words words;
  for (const char c : text) {
    if (c < ' ' || c > '~') {
      return {};
    }
  }
  while (words.size() <= kMaxWords) {
    const auto space = text.find(' ');
    words.push_back(text.substr(0, space));
    if (words.back().empty()) {
      return {};
    }
    if (space == std::string_view::npos) {
      return words;
    }
    text.remove_prefix(space + 1);
  }
  return {};
}

// The code of an error as replies have it.
std::string_view codeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDeviceBusy:
      return "DeviceBusy";
    case ErrorCode::kNotFound:
      return "DeviceNotFound";
    case ErrorCode::kIommuRefused:
      return "IommuRefused";
    case ErrorCode::kNotAllowed:
      return "NotAllowed";
    case ErrorCode::kAccessFailed:
      return "AccessFailed";
    case ErrorCode::kConnectionLost:
      return "DeviceGone";
    case ErrorCode::kInvalidArgument:
      return "BadRequest";
    default:
      return "Failed";
  }
}

Answer refused(std::string_view code, std::string_view message) { return {.text = refusal(code, message)}; }

Answer refused(const Error& error) {
  return {.text = refusal(codeOf(error.code), error.message, error.errorNumber)};
}

bool sameOpening(const Incarnation& a, const Incarnation& b) {
  return a.instance == b.instance && a.opens == b.opens;
}

// Forgets what was known of another opening. One that was taken over has holders from before, and may have
// memory of theirs.
void noteOpening(Device& device, const Keeper::View& view) {
  device.holders.clear();
  device.held = view.incarnation;
  device.memory = view.device->users ? Memory::kUsed : Memory::kNone;
  device.holdersKnown = !view.device->users || view.device->users->complete;
  if (view.device->users) {
    for (const pid_t process : view.device->users->processes) {
      device.holders.add(process, process == device.giver ? Holders::kAgent : Holders::kWorkload);
    }
  }
}

// Those who hold the device as it is open now.
Holders& holdersOf(Device& device, const Keeper::View& view) {
  if (view.device && !sameOpening(device.held, view.incarnation)) {
    noteOpening(device, view);
  }
  if (view.device && view.device->process != 0) {
    device.holders.add(view.device->process, Holders::kWorkload);
  }
  return device.holders;
}

JsonObject& incarnation(JsonObject& object, const Incarnation& now) {
  return object.text("instance", now.instance).number("opens", now.opens).number("resets", now.resets);
}

// A device that has never been open is shown with the newer interface, unless it is to be opened by its
// group.
std::string_view interfaceOf(Device& device, const Keeper::View& view) {
  device.interface = view.device ? view.device->file.interface : device.interface;
  return vfio::interfaceName(device.interface == vfio::Interface::kAuto ? vfio::Interface::kCdev
                                                                        : device.interface);
}

std::string_view nameOf(ResetRung rung) { return rung == ResetRung::kBus ? "bus" : "function"; }

std::string describe(Device& device) {
  const Keeper::View view = device.keeper->view();
  std::vector<std::string> holders;
  for (const auto& holder : holdersOf(device, view).list()) {
    holders.push_back(JsonObject{}
                          .number("pid", static_cast<std::uint64_t>(holder.pid))
                          .text("comm", holder.comm)
                          .text("role", holder.role)
                          .str());
  }
  JsonObject object;
  object.text("name", device.spec.name).text("address", device.spec.address);
  object.text("interface", interfaceOf(device, view));
  incarnation(object, view.incarnation);
  object.text("driver", view.device ? view.device->driver : "").raw("holders", jsonArray(holders));
  object.boolean("holdersKnown", device.holdersKnown);
  if (view.rung) {
    object.text("rung", nameOf(*view.rung));
  } else {
    object.null("rung");
  }
  if (view.device) {
    object.null("error");
  } else {
    const std::string why = view.error ? view.error->message : kOpening;
    object.text("error", std::string_view{why}.substr(0, kMaxErrorText));
  }
  return object.str();
}

// The devices from the one called `from` on, as many as fit a reply; `more` names the first that does not.
Answer list(const std::vector<Device*>& devices, std::string_view from = {}) {
  constexpr std::size_t kFrame = 64 + kMaxName;  // ok, devices, more
  std::vector<std::string> descriptions;
  std::size_t size = kFrame;
  JsonObject reply;
  reply.boolean("ok", true);
  for (Device* const device : devices) {
    if (device->spec.name < from) {
      continue;
    }
    std::string description = describe(*device);
    size += description.size() + 1;
    if (size > kMaxReply && !descriptions.empty()) {
      reply.text("more", device->spec.name);
      break;
    }
    descriptions.push_back(std::move(description));
  }
  return {.text = reply.raw("devices", jsonArray(descriptions)).str()};
}

Answer give(Device& device, const Asker& asker) {
  const Keeper::View view = device.keeper->view();
  if (!view.device) {
    return view.error ? refused(*view.error) : refused("Opening", kOpening);
  }
  if (!asker.agent() && device.memory == Memory::kUnmapping) {
    return refused("Opening", "the memory of the workload before is being unmapped");
  }
  if (!holdersOf(device, view).add(asker.peer.pid, asker.role())) {
    return refused("TooManyHolders", "too many processes of the workload hold the device");
  }
  device.memory = asker.agent() ? device.memory : Memory::kUsed;
  const vfio::OpenedDevice& file = view.device->file;
  Answer answer{.descriptors = {file.fd.get()}, .keep = view.device};
  std::string_view iommu = "none";
  if (file.iommu) {
    answer.descriptors.push_back(file.iommu->fd.get());
    iommu = file.interface == vfio::Interface::kCdev ? "iommufd" : "container";
  }
  JsonObject reply;
  reply.boolean("ok", true).text("name", device.spec.name).text("interface", interfaceOf(device, view));
  reply.text("iommu", iommu).number("ioas", file.iommu ? file.iommu->ioas : 0);
  answer.text = incarnation(reply, view.incarnation).str();
  return answer;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

// Comes with the device's descriptor and, where it is known, that of its iommufd or container.
Answer adopt(Device& device, const Asker& asker, const Words& words, std::vector<UniqueFd> descriptors) {
  const auto opens = number(words[3]);
  const auto resets = number(words[4]);
  const auto ioas = number(words[5]);
  if (!opens || !resets || !ioas || *ioas > std::numeric_limits<std::uint32_t>::max() ||
      descriptors.empty()) {
    return refused("BadRequest", std::string(kAdopt) + " comes with the device's descriptor");
  }
  vfio::OpenedDevice file;
  file.fd = std::move(descriptors[0]);
  if (descriptors.size() > 1) {
    file.iommu = std::make_shared<vfio::IommuFile>(
        vfio::IommuFile{.fd = std::move(descriptors[1]), .ioas = static_cast<std::uint32_t>(*ioas)});
  }
  const Incarnation before{.instance = std::string(words[2]), .opens = *opens, .resets = *resets};
  if (Status adopted = device.keeper->adopt(std::move(file), before); !adopted) {
    return refused(adopted.error());
  }
  device.giver = asker.peer.pid;
  holdersOf(device, device.keeper->view()).add(asker.peer.pid, asker.role());
  return {.text = JsonObject{}.boolean("ok", true).str()};
}

}  // namespace

std::vector<Device*> leftMemory(Devices& devices, Device& afterReset) {
  const auto inUse = [](Device& device) {
    const Keeper::View view = device.keeper->view();
    return view.device && (holdersOf(device, view).any(Holders::kWorkload) ||
                           (device.memory != Memory::kNone && device.memory != Memory::kLeft));
  };
  const Keeper::View view = afterReset.keeper->view();
  if (view.device && !holdersOf(afterReset, view).any(Holders::kWorkload) &&
      afterReset.memory == Memory::kUsed) {
    afterReset.memory = Memory::kLeft;
  }
  std::vector<Device*> sharing = devices.sharing(afterReset);
  const bool left = std::ranges::any_of(sharing, [](Device* device) {
    return device->memory == Memory::kLeft && device->keeper->view().device;
  });
  return left && std::ranges::none_of(sharing, [&](Device* device) { return inUse(*device); })
             ? std::move(sharing)
             : std::vector<Device*>{};
}

std::string refusal(std::string_view code, std::string_view message, int errorNumber) {
  JsonObject reply;
  reply.boolean("ok", false).text("code", code).text("error", message.substr(0, kMaxErrorText));
  return reply.number("errno", static_cast<std::uint64_t>(errorNumber)).str();
}

std::string resetReply(const Result<Keeper::Reset>& outcome) {
  return outcome
             ? JsonObject{}
                   .boolean("ok", true)
                   .number("resets", outcome->resets)
                   .text("rung", nameOf(outcome->rung))
                   .str()
             : refusal(codeOf(outcome.error().code), outcome.error().message, outcome.error().errorNumber);
}

Answer answerRequest(Devices& devices, const Asker& asker, std::string_view request,
                     std::vector<UniqueFd> descriptors) {
  const Words words = splitRequest(request);
  if (words.size() == 1 && words[0] == "list") {
    return list(devices.visible(asker));
  }
  if (words.size() == 2 && words[0] == "list" && validName(words[1])) {
    return list(devices.visible(asker), words[1]);
  }
  struct Verb {
    std::string_view name;
    std::size_t words;
    bool agentOnly;
  };
  static constexpr std::array<Verb, 4> kVerbs{
      {{"info", 2, false}, {"get", 2, false}, {"reset", 2, true}, {"adopt", 6, true}}};
  for (const Verb& verb : kVerbs) {
    if (words.size() != verb.words || words[0] != verb.name) {
      continue;
    }
    if (verb.agentOnly && !asker.agent()) {
      return refused("NotAllowed", "only the agent may do that");
    }
    Device* const device = devices.find(words[1], asker);
    if (device == nullptr) {
      return refused("UnknownDevice", "the broker has no device of this name");
    }
    switch (verb.name[0]) {
      case 'i':
        return list({device});
      case 'g':
        return give(*device, asker);
      case 'r':
        return {.toReset = device};
      default:
        return adopt(*device, asker, words, std::move(descriptors));
    }
  }
  return refused("BadRequest",
                 std::string("the requests are: list [NAME], info NAME, get NAME, reset NAME, ") + kAdopt);
}

}  // namespace transship::broker

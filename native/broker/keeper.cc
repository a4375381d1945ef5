#include "keeper.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <system_error>

namespace transship::broker {
namespace {

using std::chrono::milliseconds;

milliseconds spread(milliseconds base) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds{
      std::uniform_int_distribution<std::int64_t>{base.count() / 2, base.count() * 3 / 2}(random)};
}

UniqueFd newEvent() {
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return event;
}

Error alreadyOpen() {
  return {.code = ErrorCode::kDeviceBusy, .message = "the broker has opened the device itself"};
}

void signal(int event) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written =
      ::write(event, &one, sizeof(one));  // a full counter is readable already
}

}  // namespace

Keeper::Keeper(std::string instance, std::unique_ptr<DeviceOpener> opener, KeeperTiming timing,
               std::function<void(const std::string&)> report)
    : instance_(std::move(instance)),
      opener_(std::move(opener)),
      timing_(timing),
      report_(std::move(report)),
      incarnation_{.instance = instance_},
      wake_(newEvent()),
      retry_(timing.firstRetry),
      thread_([this] { run(); }) {}

Keeper::~Keeper() {
  stop();
  thread_.join();
}

void Keeper::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  signal(wake_.get());
}

bool Keeper::ended(milliseconds wait) {
  std::unique_lock lock{mutex_};
  return endedChanged_.wait_for(lock, wait, [this] { return ended_; });
}

Keeper::View Keeper::view() const {
  const std::lock_guard lock{mutex_};
  return {.device = device_,
          .incarnation = incarnation_,
          .error = taking_ ? std::nullopt : error_,
          .rung = rung_};
}

void Keeper::reset(OnReset done) {
  {
    const std::lock_guard lock{mutex_};
    jobs_.emplace_back([this, done = std::move(done)] { resetOnce(done); });
  }
  signal(wake_.get());
}

void Keeper::unmap(std::vector<std::shared_ptr<const HeldDevice>> devices, std::vector<pid_t> agents,
                   std::function<void(bool)> done) {
  {
    const std::lock_guard lock{mutex_};
    jobs_.emplace_back(
        [this, devices = std::move(devices), agents = std::move(agents), done = std::move(done)]() mutable {
          const bool unmapped = unmapPatiently(devices, agents);
          devices.clear();
          done(unmapped);
        });
  }
  signal(wake_.get());
}

Status Keeper::adopt(vfio::OpenedDevice file, const Incarnation& incarnation) {
  {
    // First of all, since adopting again would take the removal's notice away from the device that is held.
    const std::lock_guard lock{mutex_};
    if (device_ || taking_) {
      const Incarnation& known = taking_ ? *taking_ : incarnation_;
      const bool same = known.instance == incarnation.instance && known.opens == incarnation.opens;
      return same ? Status{Done{}} : Status{alreadyOpen()};
    }
  }
  auto adopted = opener_->adopt(std::move(file));
  if (!adopted) {
    return std::move(adopted.error());
  }
  {
    const std::lock_guard lock{mutex_};
    if (device_) {
      return alreadyOpen();  // opened meanwhile
    }
    taken_ = std::move(*adopted);
    taking_ = incarnation;
  }
  signal(wake_.get());
  return Done{};
}

// Those who have the device are looked for before it is handed out again, since the broker that knew them has
// ended.
void Keeper::takeOver() {
  auto device = std::make_shared<HeldDevice>(std::move(taken_));
  const std::array<std::shared_ptr<const HeldDevice>, 1> one{device};
  device->users = opener_->users(one);
  Incarnation incarnation;
  {
    const std::lock_guard lock{mutex_};
    incarnation = *taking_;
    device_ = std::move(device);
    incarnation_ = incarnation;
    taking_.reset();
    error_.reset();
    rung_.reset();
  }
  report_("taken over, incarnation " + incarnation.instance);
}

void Keeper::run() {
  for (;;) {
    bool open = false;
    bool taking = false;
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) {
        ended_ = true;
        endedChanged_.notify_all();
        return;
      }
      open = device_ != nullptr;
      taking = taking_.has_value();
    }
    if (taking) {
      takeOver();
    } else {
      open ? watch() : tryOpen();
    }
    runJobs();
  }
}

void Keeper::tryOpen() {
  auto opened = opener_->open();
  milliseconds pause{0};
  std::string news;
  {
    const std::lock_guard lock{mutex_};
    if (taking_) {
      return;  // given in the meantime, which is why it could not be opened
    }
    if (opened) {
      device_ = std::make_shared<const HeldDevice>(std::move(*opened));
      incarnation_ = {.instance = instance_, .opens = ++opens_, .resets = 0};
      error_.reset();
      rung_.reset();
      retry_ = timing_.firstRetry;
      news =
          "open (" + std::string(vfio::interfaceName(device_->file.interface)) + ", " + device_->driver + ")";
    } else {
      if (!error_ || error_->message != opened.error().message) {
        news = opened.error().message;
      }
      error_ = std::move(opened.error());
      pause = spread(retry_);
      retry_ = std::min(retry_ * 2, timing_.mostRetry);
    }
  }
  if (!news.empty()) {
    report_(news);
  }
  if (pause.count() > 0) {
    wait(-1, pause);
  }
}

void Keeper::watch() {
  const std::shared_ptr<const HeldDevice> device = view().device;
  wait(device->removal.get(), timing_.check);
  pollfd wanted{.fd = device->removal.get(), .events = POLLIN, .revents = 0};
  if (device->removal && ::poll(&wanted, 1, 0) > 0) {
    drop("the host takes the device back");
  } else if (!device->present()) {
    drop("the device is gone");
  }
}

// The removal goes on once every descriptor is closed: this one now, those of the holders whenever they do.
void Keeper::drop(const char* why) {
  {
    const std::lock_guard lock{mutex_};
    device_.reset();
    error_ = Error{.code = ErrorCode::kNotFound, .message = why};
  }
  report_(why);
}

void Keeper::runJobs() {
  for (;;) {
    std::function<void()> job;
    {
      const std::lock_guard lock{mutex_};
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

// What it ended with is reported once, not at every try.
bool Keeper::unmapPatiently(const std::vector<std::shared_ptr<const HeldDevice>>& devices,
                            const std::vector<pid_t>& agents) {
  milliseconds pause = timing_.firstRetry;
  for (int left = kUnmapTries;; pause *= 2) {
    const Status unmapped = unmapOnce(devices, agents);
    if (unmapped || --left == 0 || !paused(spread(pause))) {
      report_(unmapped ? "memory of the last workload unmapped" : unmapped.error().message);
      return static_cast<bool>(unmapped);
    }
  }
}

Status Keeper::unmapOnce(const std::vector<std::shared_ptr<const HeldDevice>>& devices,
                         const std::vector<pid_t>& agents) {
  const FileUsers users = opener_->users(devices);
  const bool held = std::ranges::any_of(
      users.processes, [&](pid_t process) { return std::ranges::find(agents, process) == agents.end(); });
  if (held || !users.complete) {
    return Error{.code = ErrorCode::kNotAllowed,
                 .message = held ? "memory stays mapped: another process has the devices open"
                                 : "memory stays mapped: not every process can be looked into (host's PID "
                                   "namespace, CAP_SYS_PTRACE)"};
  }
  for (const auto& device : devices) {
    if (Status done = opener_->unmapAll(*device); !done) {
      return done;
    }
  }
  return Done{};
}

bool Keeper::stopping() const {
  const std::lock_guard lock{mutex_};
  return stopping_;
}

// Whatever else is asked for meanwhile has its turn afterwards; only stop() ends it early, with false.
bool Keeper::paused(milliseconds length) {
  const auto end = std::chrono::steady_clock::now() + length;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (stopping() || left.count() <= 0) {
      return !stopping();
    }
    wait(-1, left);
  }
}

void Keeper::resetOnce(const OnReset& done) {
  const View before = view();
  if (!before.device) {
    done(before.error.value_or(Error{.code = ErrorCode::kNotFound, .message = "the device is being opened"}));
    return;
  }
  Result<ResetDone> outcome = opener_->reset(*before.device);
  std::uint64_t resets = 0;
  {
    // A failed reset may have lost the state as well, unless the device knows none.
    const std::lock_guard lock{mutex_};
    const bool none = !outcome && outcome.error().errorNumber == ENOTTY;
    resets = none ? incarnation_.resets : ++incarnation_.resets;
    if (outcome) {
      rung_ = outcome->rung;
    }
  }
  if (outcome && outcome->rung == ResetRung::kBus) {
    report_("its bus was reset, since: " + outcome->first);
  }
  done(outcome ? Result<Reset>{Reset{.resets = resets, .rung = outcome->rung}}
               : Result<Reset>{std::move(outcome.error())});
}

// Until something happens, at most so long.
void Keeper::wait(int removal, milliseconds most) {
  std::array<pollfd, 2> entries{
      {{.fd = wake_.get(), .events = POLLIN, .revents = 0}, {.fd = removal, .events = POLLIN, .revents = 0}}};
  if (::poll(entries.data(), entries.size(), static_cast<int>(most.count())) > 0 && entries[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(wake_.get(), &count, sizeof(count));
  }
}

}  // namespace transship::broker

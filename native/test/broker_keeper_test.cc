// Keeping a device open: absent, busy, unplugged, back again, reset, and taken over from a broker that has
// died.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "broker/keeper.hh"
#include "support/broker_rig.hh"
#include "support/driver.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;
using broker::Incarnation;
using broker::Keeper;

struct Rig {
  std::shared_ptr<FakeBackend> backend = std::make_shared<FakeBackend>();
  std::mutex mutex = {};
  std::vector<std::string> news = {};
  std::unique_ptr<Keeper> keeper = {};

  void start(broker::KeeperTiming timing = kFast) {
    keeper = std::make_unique<Keeper>("own", std::make_unique<FakeOpener>(backend), timing,
                                      [this](const std::string& text) {
                                        const std::lock_guard lock{mutex};
                                        news.push_back(text);
                                      });
  }

  template <typename Condition>
  void await(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition(keeper->view())) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(1ms);
    }
  }
  void awaitOpen() {
    await([](const Keeper::View& view) { return view.device != nullptr; });
  }

  Result<Keeper::Reset> reset() {
    std::promise<Result<Keeper::Reset>> done;
    keeper->reset([&](Result<Keeper::Reset> outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get();
  }
};

Error busy() { return {.code = ErrorCode::kDeviceBusy, .message = "held by another", .errorNumber = EBUSY}; }

vfio::OpenedDevice fileOf(const std::string& content) {
  UniqueFd file{::memfd_create("device", MFD_CLOEXEC)};
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return {.fd = std::move(file)};
}

TEST(BrokerKeeper, OpensOnceAndResetsNothing) {
  Rig rig;
  rig.start();
  rig.awaitOpen();
  std::this_thread::sleep_for(50ms);  // many looks at it
  const auto view = rig.keeper->view();
  EXPECT_EQ(view.incarnation.instance, "own");
  EXPECT_EQ(view.incarnation.opens, 1u);
  EXPECT_EQ(view.incarnation.resets, 0u);
  EXPECT_FALSE(view.error);
  EXPECT_EQ(rig.backend->opened, 1);
  EXPECT_EQ(rig.backend->resets, 0);
}

TEST(BrokerKeeper, TriesABusyDeviceAgainAndReportsEachReasonOnce) {
  Rig rig;
  rig.backend->openErrors = {busy()};
  rig.start();
  rig.await(
      [](const Keeper::View& view) { return view.error && view.error->code == ErrorCode::kDeviceBusy; });
  std::this_thread::sleep_for(50ms);
  {
    const std::lock_guard lock{rig.mutex};
    EXPECT_EQ(rig.news, (std::vector<std::string>{"held by another"}));
  }
  EXPECT_EQ(codeOf(rig.reset()), "TRANSSHIP_DEVICE_BUSY");
  {
    const std::lock_guard lock{rig.backend->mutex};
    rig.backend->openErrors.clear();
  }
  rig.awaitOpen();
  EXPECT_EQ(rig.keeper->view().incarnation.opens, 1u);
}

TEST(BrokerKeeper, LetsGoOfADeviceThatTheHostWantsBackAndOpensItAgain) {
  Rig rig;
  rig.start();
  rig.awaitOpen();
  std::weak_ptr<const broker::HeldDevice> held = rig.keeper->view().device;
  EXPECT_TRUE(rig.reset());
  {
    const std::lock_guard lock{rig.backend->mutex};
    rig.backend->openErrors = {Error{.code = ErrorCode::kNotFound, .message = "unplugged"}};
  }
  rig.backend->askBack();
  rig.await([](const Keeper::View& view) { return view.error && view.error->message == "unplugged"; });
  EXPECT_TRUE(held.expired());  // else the removal would wait for ever
  {
    const std::lock_guard lock{rig.backend->mutex};
    rig.backend->openErrors.clear();
  }
  rig.awaitOpen();
  EXPECT_EQ(rig.keeper->view().incarnation.opens, 2u);
  EXPECT_EQ(rig.keeper->view().incarnation.resets, 0u);
}

TEST(BrokerKeeper, NoticesADeviceThatIsGoneWithoutAWord) {
  Rig rig;
  rig.start();
  rig.awaitOpen();
  rig.backend->present = false;
  rig.await([](const Keeper::View& view) { return view.device == nullptr || view.incarnation.opens > 1; });
  rig.backend->present = true;
  rig.await([](const Keeper::View& view) { return view.device && view.incarnation.opens > 1; });
}

TEST(BrokerKeeper, TakesADeviceOverWithItsIncarnation) {
  Rig rig;
  rig.backend->openErrors = {busy()};
  rig.start();
  const Incarnation before{.instance = "old", .opens = 4, .resets = 2};
  EXPECT_EQ(codeOf(rig.keeper->adopt(fileOf("something else"), before)), "TRANSSHIP_INVALID_ARGUMENT");
  ASSERT_TRUE(rig.keeper->adopt(fileOf(rig.backend->content), before));
  rig.awaitOpen();
  EXPECT_EQ(rig.keeper->view().incarnation.instance, "old");
  EXPECT_EQ(rig.keeper->view().incarnation.opens, 4u);
  EXPECT_EQ(rig.reset()->resets, 3u);
  EXPECT_EQ(rig.backend->opened, 0);
  EXPECT_EQ(rig.backend->resets, 1);
  // Again: it is the same one, whatever the number of resets says.
  EXPECT_TRUE(rig.keeper->adopt(fileOf(rig.backend->content), before));
  EXPECT_EQ(rig.keeper->view().incarnation.resets, 3u);
  // Opened anew later, it is this broker's.
  {
    const std::lock_guard lock{rig.backend->mutex};
    rig.backend->openErrors.clear();
  }
  rig.backend->askBack();
  rig.await([](const Keeper::View& view) { return view.device && view.incarnation.instance == "own"; });
  EXPECT_EQ(rig.keeper->view().incarnation.opens, 1u);
  EXPECT_EQ(rig.keeper->view().incarnation.resets, 0u);
}

TEST(BrokerKeeper, DoesNotTakeOverWhatItHasOpenedItself) {
  Rig rig;
  rig.start();
  rig.awaitOpen();
  EXPECT_EQ(codeOf(rig.keeper->adopt(fileOf(rig.backend->content), {.instance = "old", .opens = 1})),
            "TRANSSHIP_DEVICE_BUSY");
  EXPECT_EQ(rig.keeper->view().incarnation.instance, "own");
}

TEST(BrokerKeeper, EndsWhileItsDeviceIsBusyAndSaysWhenAResetKeepsItFromThat) {
  Rig rig;
  rig.backend->openErrors = {busy()};
  rig.start();
  rig.keeper->stop();
  EXPECT_TRUE(rig.keeper->ended(20s));
  Rig stuck;
  stuck.start();
  stuck.awaitOpen();
  stuck.backend->stalled = true;
  stuck.keeper->reset([](const Result<Keeper::Reset>&) {});
  std::this_thread::sleep_for(20ms);
  stuck.keeper->stop();
  EXPECT_FALSE(stuck.keeper->ended(20ms));
  stuck.backend->stalled = false;
  EXPECT_TRUE(stuck.keeper->ended(20s));
}

TEST(BrokerKeeper, WaitsBetweenTriesToUnmapWhateverElseItIsToldToDo) {
  Rig rig;
  rig.backend->unmapErrnos = {EBUSY, EBUSY, EBUSY};
  rig.backend->unmapStalled = true;
  rig.start({.firstRetry = std::chrono::hours{1}, .mostRetry = std::chrono::hours{1}, .check = 5ms});
  rig.awaitOpen();
  std::promise<bool> unmapped;
  rig.keeper->unmap({rig.keeper->view().device}, {}, [&](bool done) { unmapped.set_value(done); });
  const auto tries = [&] {
    const std::lock_guard lock{rig.backend->mutex};
    return std::ranges::count(rig.backend->memory, "users 1");
  };
  rig.await([&](const Keeper::View&) { return tries() == 1; });
  // Told before the pause begins.
  rig.keeper->reset([](const Result<Keeper::Reset>&) {});
  rig.backend->unmapStalled = false;
  std::this_thread::sleep_for(50ms);  // long enough for another try, were it not for the pause
  rig.keeper->stop();
  EXPECT_FALSE(unmapped.get_future().get());
  EXPECT_TRUE(rig.keeper->ended(20s));
  EXPECT_EQ(tries(), 1);
  EXPECT_EQ(rig.backend->resets, 1);
}

}  // namespace
}  // namespace transship::test

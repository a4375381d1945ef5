// The control socket and the command line.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "emulator_wire.hh"
#include "hash.hh"
#include "parse.hh"
#include "random.hh"
#include "socket.hh"

namespace transship::emulator::test {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string member(const std::string& json, const std::string& key) {
  const std::string start = "\"" + key + "\":\"";
  const std::size_t from = json.find(start);
  return from == std::string::npos
             ? ""
             : json.substr(from + start.size(), json.find('"', from + start.size()) - from - start.size());
}

TEST(EmulatorControl, InfoNamesTheNodeAndItsDevices) {
  Served served(2);
  const std::string info = served.control("info");
  EXPECT_TRUE(has(info, "\"ok\":true"));
  EXPECT_TRUE(has(info, "\"node\":\"test\""));
  EXPECT_TRUE(has(info, "\"index\":1,\"slot\":1"));
  EXPECT_TRUE(has(info, "\"state\":\"Running\""));
  EXPECT_TRUE(has(info, "\"memoryBytes\":131072"));
}

TEST(EmulatorControl, ADigestIsOfAStoppedDeviceOnlyAndOfAllThatItIs) {
  Served served(2);
  EXPECT_TRUE(has(served.control("digest device=0"), "\"ok\":false"));
  served.rig()->workload(0).freeze();
  ASSERT_EQ(served.rig().all({0x9, 0x8, 0x0}), 0);
  const std::string first = served.control("digest device=0");
  EXPECT_EQ(member(first, "digest").size(), 32u);
  EXPECT_EQ(first, served.control("digest device=0"));
  EXPECT_NE(member(first, "digest"), member(served.control("digest device=1"), "digest"));
  EXPECT_NE(member(first, "digest"), member(first, "memory"));
}

TEST(EmulatorControl, TheWorkloadMovesThroughItsVerbs) {
  Served source(1);
  Served target(1, {"--traffic", "off"});
  EXPECT_TRUE(has(source.control("save"), "\"ok\":false"));
  EXPECT_TRUE(has(source.control("discard"), "\"ok\":false"));
  EXPECT_TRUE(has(source.control("incoming"), "\"ok\":false"));
  EXPECT_TRUE(has(source.control("freeze"), "\"ok\":true"));
  const std::string state = member(source.control("save"), "state");
  EXPECT_EQ(state.size(), 2 * Workload::kStateBytes);
  EXPECT_EQ(state, member(source.control("save"), "state"));
  EXPECT_TRUE(has(target.control("thaw"), "\"ok\":false"));
  EXPECT_TRUE(has(target.control("incoming"), "\"ok\":true"));
  std::string altered = state;
  altered[40000] = altered[40000] == '0' ? '1' : '0';
  EXPECT_TRUE(has(target.control("load state=" + altered), "\"ok\":false"));
  EXPECT_TRUE(has(target.control("load state=zz"), "\"ok\":false"));
  EXPECT_TRUE(has(target.control("load state=" + state), "\"ok\":true"));
  EXPECT_TRUE(has(target.control("workload"), "\"frozen\":true,\"loaded\":true"));
  EXPECT_EQ(member(target.control("workload"), "cookie"), member(source.control("workload"), "cookie"));
  EXPECT_TRUE(has(source.control("discard"), "\"ok\":true"));
  EXPECT_TRUE(has(source.control("discard"), "\"ok\":true"));
  EXPECT_TRUE(has(source.control("thaw"), "\"ok\":false"));
  EXPECT_TRUE(has(target.control("thaw"), "\"ok\":true"));
  EXPECT_TRUE(has(target.control("load state=" + state), "\"ok\":false"));
}

TEST(EmulatorControl, AWorkloadBeginsOnIdleDevicesAndASecondOneIsAnother) {
  Served served(4, {"--traffic", "off", "--group", "2"});
  EXPECT_TRUE(has(served.control("begin group=2"), "\"ok\":false"));
  EXPECT_TRUE(has(served.control("begin group=1"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("begin group=1"), "a workload is here already"));
  EXPECT_TRUE(has(served.control("workload group=0"), "\"phase\":\"Empty\""));
  const std::string first = member(served.control("workload group=1"), "set");
  EXPECT_FALSE(served.rig()->fabric().attached(1));
  EXPECT_TRUE(served.rig()->fabric().attached(2));
  EXPECT_TRUE(served.rig()->fabric().attached(3));
  EXPECT_TRUE(has(served.control("freeze group=1"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("discard group=1"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("begin group=1"), "device 2 is not idle"));
  EXPECT_TRUE(has(served.control("deviceReset device=2"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("deviceReset device=3"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("begin group=1"), "\"ok\":true"));
  EXPECT_NE(member(served.control("workload group=1"), "set"), first);
  EXPECT_TRUE(has(served.control("workload group=1"), "\"phase\":\"Live\",\"frozen\":false"));
}

TEST(EmulatorControl, FaultsViolationsAndALostDevice) {
  Served served(1);
  EXPECT_TRUE(has(served.control("fault device=0 kind=refuse-arc to=0x3 errno=EBUSY"), "\"ok\":true"));
  EXPECT_EQ(served.rig()[0].set(0x3), EBUSY);
  EXPECT_TRUE(has(served.control("clear device=0"), "\"ok\":true"));
  served.rig()[0].state();
  EXPECT_EQ(served.rig()[0].set(0x3), 0);
  EXPECT_TRUE(has(served.control("fault device=0 kind=nonsense"), "\"ok\":false"));
  EXPECT_TRUE(has(served.control("fault device=7 kind=pri"), "\"ok\":false"));
  EXPECT_TRUE(has(served.control("violations"), "\"violations\":[]"));
  served.rig()[0].get(0, 2);
  EXPECT_TRUE(has(served.control("violations"), "{\"device\":0,\"item\":\"V1-02\",\"what\":\""));
  EXPECT_TRUE(has(served.control("violations-reset"), "\"ok\":true"));
  EXPECT_TRUE(has(served.control("violations"), "\"violations\":[]"));
  EXPECT_TRUE(has(served.control("deviceReset device=0"), "\"ok\":true"));
  EXPECT_EQ(served.rig()[0].state(), 0x1u);
  EXPECT_TRUE(has(served.control("info"), "\"armed\":false"));
  EXPECT_TRUE(has(served.control("fault device=0 kind=async-state to=0x0"), "\"ok\":true"));
  EXPECT_EQ(served.rig()[0].state(), 0x0u);
}

TEST(EmulatorControl, SeveralRequestsOnOneConnectionAndAnEndToLineLength) {
  Served served(1);
  const UniqueFd socket = connectTo(served.path("control.sock"));
  std::string two = "info\nnonsense\n";
  ASSERT_TRUE(sendAll(socket.get(), {{two.data(), two.size()}}));
  std::string answers;
  char piece[4096];
  while (std::count(answers.begin(), answers.end(), '\n') < 2) {
    const ssize_t got = ::recv(socket.get(), piece, sizeof(piece), 0);
    ASSERT_GT(got, 0);
    answers.append(piece, static_cast<std::size_t>(got));
  }
  EXPECT_TRUE(has(answers, "unknown verb 'nonsense'"));
  std::string endless(2 * ControlServer::kMaxRequest, 'x');
  static_cast<void>(sendAll(socket.get(), {{endless.data(), endless.size()}}));
  while (::recv(socket.get(), piece, sizeof(piece), 0) > 0) {
  }
  EXPECT_TRUE(has(served.control("info"), "\"ok\":true"));
}

TEST(EmulatorOptions, DefaultsAndExceptions) {
  std::string why;
  const auto options = parseOptions({"--directory", "d", "--node", "n", "--devices", "3", "--no-ndma", "0,2",
                                     "--link-latency", "1.5ms", "--fault", "1:refuse-arc:to=0x9,errno=EBUSY"},
                                    why);
  ASSERT_TRUE(options.has_value()) << why;
  EXPECT_EQ(options->device.memoryBytes, 256u << 20);
  EXPECT_EQ(options->noNdma, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(options->fabric.latency, std::chrono::microseconds(1500));
  ASSERT_EQ(options->faults.size(), 1u);
  EXPECT_EQ(options->faults[0].second.error, EBUSY);
}

TEST(EmulatorOptions, WhatMakesNoSenseIsRefusedWithAReason) {
  const std::vector<std::string> good{"--directory", "d", "--node", "n", "--devices", "2"};
  std::string why;
  EXPECT_TRUE(parseOptions(good, why).has_value());
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {"--what"},
           {"--memory"},
           {"--memory", "much"},
           {"--devices", "0"},
           {"--devices", "1000"},
           {"--segment", "8M", "--window", "4M"},
           {"--segment", "4096"},
           {"--no-reset", "2"},
           {"--fault", "2:pri"},
           {"--fault", "0:nonsense"},
           {"--mmap", "half"},
           {"--link-latency", "2"},
           {"--vendor", "12345"},
       }) {
    auto arguments = good;
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    why.clear();
    EXPECT_FALSE(parseOptions(arguments, why).has_value()) << bad.front();
    EXPECT_NE(why, "");
  }
  EXPECT_FALSE(parseOptions({}, why).has_value());
}

TEST(EmulatorContents, AreIncompressibleAndDifferBySeedAndPage) {
  std::vector<std::byte> one(65536), two(65536);
  fillRandom(one, 1);
  fillRandom(two, 2);
  EXPECT_NE(digestOf(one), digestOf(two));
  std::array<std::size_t, 256> counts{};
  for (const std::byte byte : one) {
    ++counts[std::to_integer<std::size_t>(byte)];
  }
  for (const std::size_t count : counts) {  // 256 expected of each
    EXPECT_GT(count, 150u);
    EXPECT_LT(count, 400u);
  }
  auto flipped = one;
  flipped[12345] ^= std::byte{1};
  EXPECT_NE(digestOf(one), digestOf(flipped));
  std::swap(flipped[0], flipped[1]);
  EXPECT_EQ(fromHex(toHex(one)), one);
}

}  // namespace
}  // namespace transship::emulator::test

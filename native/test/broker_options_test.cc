// The broker's arguments.
#include <gtest/gtest.h>
#include <unistd.h>

#include "broker/options.hh"

namespace transship::test {
namespace {

using broker::Options;
using broker::parseOptions;

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> arguments{"--agent-socket", "/run/a.sock", "--device",
                                     "name=gpu-a/0,address=0000:3b:00.1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string refusalOf(const std::vector<std::string>& arguments) {
  std::string why;
  return parseOptions(arguments, why) ? "none" : why;
}

TEST(BrokerOptions, AreReadWhole) {
  std::string why;
  const auto options =
      parseOptions({"--agent-socket", "/run/a.sock", "--agent-uid", "7", "--device",
                    "name=gpu-a/0,address=0000:3b:00.1,workload=trainer,interface=group,process=42",
                    "--device", "address=/sys/devices/x=y,name=gpu-a/1", "--workload-socket",
                    "name=trainer,path=/run/t.sock,uid=1000"},
                   why);
  ASSERT_TRUE(options) << why;
  EXPECT_EQ(options->agentSocket, "/run/a.sock");
  EXPECT_EQ(options->agentUid, 7u);
  ASSERT_EQ(options->devices.size(), 2u);
  EXPECT_EQ(options->devices[0].name, "gpu-a/0");
  EXPECT_EQ(options->devices[0].workload, "trainer");
  EXPECT_EQ(options->devices[0].interface, vfio::Interface::kGroup);
  EXPECT_EQ(options->devices[0].process, 42);
  EXPECT_EQ(options->devices[1].address, "/sys/devices/x=y");
  EXPECT_EQ(options->devices[1].interface, vfio::Interface::kAuto);
  EXPECT_EQ(options->devices[1].process, 0);
  ASSERT_EQ(options->workloads.size(), 1u);
  EXPECT_EQ(options->workloads[0].path, "/run/t.sock");
  EXPECT_EQ(options->workloads[0].uid, 1000u);
}

TEST(BrokerOptions, ServeThisProcessesUserUnlessToldOtherwise) {
  std::string why;
  const auto options = parseOptions(
      with({"--device", "name=b,address=b,workload=w", "--workload-socket", "name=w,path=/run/w"}), why);
  ASSERT_TRUE(options) << why;
  EXPECT_EQ(options->agentUid, ::geteuid());
  EXPECT_EQ(options->workloads[0].uid, ::geteuid());
}

TEST(BrokerOptions, ThatMakeNoSenseAreRefusedWithTheReason) {
  EXPECT_EQ(refusalOf({}), "--agent-socket and at least one --device are needed");
  EXPECT_EQ(refusalOf({"--agent-socket", "/run/a.sock"}),
            "--agent-socket and at least one --device are needed");
  EXPECT_EQ(refusalOf(with({"--frobnicate", "1"})), "unknown option --frobnicate");
  EXPECT_EQ(refusalOf(with({"--device"})), "--device needs a value");
  for (const std::string device :
       {"name=b", "address=b", "name=,address=b", "name=b,address=", "name=b c,address=d",
        "name=b,address=c,bogus=d", "name=b,address=c,interface=pci", "name=b,address=c,process=0",
        "name=b,address=c,process=x", "name=b;address=c", "name=b,address=c,workload=", ""}) {
    EXPECT_EQ(refusalOf(with({"--device", device})), "bad value '" + device + "' for --device");
  }
  EXPECT_EQ(refusalOf(with({"--device", "name=" + std::string(65, 'a') + ",address=b"})).substr(0, 9),
            "bad value");
  EXPECT_EQ(refusalOf(with({"--device", "name=b,address=" + std::string(257, 'a')})).substr(0, 9),
            "bad value");
  EXPECT_EQ(refusalOf(with({"--agent-uid", "-1"})), "bad value '-1' for --agent-uid");
  EXPECT_EQ(refusalOf(with({"--agent-uid", "4294967295"})), "bad value '4294967295' for --agent-uid");
  EXPECT_EQ(refusalOf(with({"--workload-socket", "name=w"})), "bad value 'name=w' for --workload-socket");
  EXPECT_EQ(refusalOf(with({"--workload-socket", "name=w,path=/run/w"})), "the workload w has no device");
  const std::string twice = "a name, an address or a path is given twice";
  EXPECT_EQ(refusalOf(with({"--device", "name=gpu-a/0,address=other"})), twice);
  EXPECT_EQ(refusalOf(with({"--device", "name=other,address=0000:3b:00.1"})), twice);
  EXPECT_EQ(refusalOf(with(
                {"--device", "name=b,address=b,workload=w", "--workload-socket", "name=w,path=/run/a.sock"})),
            twice);
}

TEST(BrokerOptions, KnowTheirLimits) {
  std::vector<std::string> many{"--agent-socket", "/run/a.sock"};
  for (std::size_t i = 0; i <= broker::kMaxDevices; ++i) {
    const std::string name = std::to_string(i);
    many.insert(many.end(), {"--device", "name=" + name + ",address=" + name});
  }
  EXPECT_EQ(refusalOf(many), "at most 64 devices and 64 workloads");
}

}  // namespace
}  // namespace transship::test

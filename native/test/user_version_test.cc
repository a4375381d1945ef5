#include "vfio/user_version.hh"

#include <gtest/gtest.h>

#include <cstring>

#include "support/driver.hh"

namespace transship::vfio_user {
namespace {

using test::codeOf;

Result<PeerLimits> parse(const std::string& json, std::uint16_t major = 0, std::uint16_t minor = 1,
                         bool ends = true) {
  const VersionPayload version{.major = major, .minor = minor};
  test::Bytes payload(sizeof(version) + json.size() + (ends ? 1 : 0));
  std::memcpy(payload.data(), &version, sizeof(version));
  std::memcpy(payload.data() + sizeof(version), json.data(), json.size());
  return parseVersionReply(payload);
}

TEST(UserVersion, TakesTheTransferLimitAndIgnoresTheRest) {
  auto limits = parse(R"( {"capabilities": {"x": [1, {"max_data_xfer_size": 3}, "\u00e9\"", null, -1.5e+3],
                       "max_msg_fds": 8, "max_data_xfer_size": 4096, "migration": {"pgsize": 4096}}, "y": true} )");
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_EQ(limits->maxDataTransfer, 4096u);
}

TEST(UserVersion, WhatIsNotNamedHasItsDefault) {
  for (const char* json : {"{}", R"({"capabilities":{}})", R"({"max_data_xfer_size":4096})"}) {
    auto limits = parse(json);
    ASSERT_TRUE(limits) << json;
    EXPECT_EQ(limits->maxDataTransfer, kDefaultMaxDataTransfer) << json;
  }
  auto without = parse("", 0, 0, false);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->maxDataTransfer, kDefaultMaxDataTransfer);
}

TEST(UserVersion, AHugeLimitIsCutToWhatAMessageCarries) {
  auto limits = parse(R"({"capabilities":{"max_data_xfer_size":18446744073709551615}})");
  ASSERT_TRUE(limits);
  EXPECT_LT(limits->maxDataTransfer, kMaxMessageSize);
}

TEST(UserVersion, ATransferThatCannotCarryARegisterIsRefused) {
  EXPECT_EQ(codeOf(parse(R"({"capabilities":{"max_data_xfer_size":7}})")), "TRANSSHIP_PROTOCOL_VIOLATION");
  EXPECT_EQ(codeOf(parse(R"({"capabilities":{"max_data_xfer_size":0}})")), "TRANSSHIP_PROTOCOL_VIOLATION");
}

TEST(UserVersion, AMessageForPreCopyInfoIsOneOfTheServersOwn) {
  EXPECT_FALSE(parse("{}")->precopyInfo);
  auto limits = parse(R"({"capabilities":{"x_mig_precopy_info":65535}})");
  ASSERT_TRUE(limits && limits->precopyInfo);
  EXPECT_EQ(static_cast<int>(*limits->precopyInfo), 65535);
  for (const char* number : {"13", "32767", "65536", "0"}) {
    const std::string json = std::string(R"({"capabilities":{"x_mig_precopy_info":)") + number + "}}";
    EXPECT_EQ(codeOf(parse(json)), "TRANSSHIP_PROTOCOL_VIOLATION") << number;
  }
}

TEST(UserVersion, OtherVersionsAreRefused) {
  EXPECT_EQ(codeOf(parse("{}", 1, 0)), "TRANSSHIP_VERSION_UNSUPPORTED");
  EXPECT_EQ(codeOf(parse("{}", 0, 2)), "TRANSSHIP_VERSION_UNSUPPORTED");
  EXPECT_TRUE(parse("{}", 0, 0));
}

TEST(UserVersion, ACutReplyIsRefused) {
  EXPECT_EQ(codeOf(parseVersionReply(test::Bytes(3))), "TRANSSHIP_PROTOCOL_VIOLATION");
  EXPECT_EQ(codeOf(parse("{}", 0, 1, false)), "TRANSSHIP_PROTOCOL_VIOLATION");
  EXPECT_EQ(codeOf(parse(std::string("{}\0{}", 5))), "TRANSSHIP_PROTOCOL_VIOLATION");
}

TEST(UserVersion, TextThatIsNotJsonIsRefused) {
  for (const std::string json : {"",
                                 " ",
                                 "x",
                                 "[]",
                                 "1",
                                 "{",
                                 "{}}",
                                 "{} x",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{,}",
                                 "{a:1}",
                                 "{\"a\":01}",
                                 "{\"a\":1.}",
                                 "{\"a\":.5}",
                                 "{\"a\":1e}",
                                 "{\"a\":+1}",
                                 "{\"a\":tru}",
                                 "{\"a\":nul",
                                 "{\"a\":\"x}",
                                 "{\"a\":\"\\x\"}",
                                 "{\"a\":\"\\u12g4\"}",
                                 "{\"a\":\"\t\"}",
                                 "{\"a\":[1,]}",
                                 "{\"a\":[1 2]}",
                                 "{\"a\":1 \"b\":2}",
                                 "{\"a\":18446744073709551616}",
                                 "{\"a\":\"\\",
                                 "{\"a\":-}"}) {
    EXPECT_EQ(codeOf(parse(json)), "TRANSSHIP_PROTOCOL_VIOLATION") << json;
  }
  EXPECT_EQ(codeOf(parse("{\"a\":" + std::string(5000, '[') + "}")), "TRANSSHIP_PROTOCOL_VIOLATION");
  EXPECT_EQ(codeOf(parse("{\"" + std::string(65, 'k') + "\":1}")), "TRANSSHIP_PROTOCOL_VIOLATION");
}

TEST(UserVersion, OurOwnTextIsReadByOurOwnReader) {
  const std::string ours = versionData();
  auto limits = parse(ours.substr(0, ours.size() - 1));
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_GT(limits->maxDataTransfer, kDefaultMaxDataTransfer);
}

}  // namespace
}  // namespace transship::vfio_user

// JSON as the broker writes it and its client reads it.
#include <gtest/gtest.h>

#include <map>

#include "common/json_writer.hh"
#include "vfio/json_reader.hh"

namespace transship::test {
namespace {

TEST(BrokerJson, WhatIsWrittenIsReadBack) {
  const std::string text = "a \"quote\", a \\, a\ttab,\nä and \x01";
  const std::string document = JsonObject{}
                                   .text("text", text)
                                   .number("number", ~std::uint64_t{0})
                                   .boolean("no", false)
                                   .null("nothing")
                                   .raw("inner", JsonObject{}.text("text", "x").str())
                                   .raw("list", jsonArray({"1", jsonString("two")}))
                                   .str();
  std::map<std::string, std::string> texts;
  std::map<std::string, std::uint64_t> numbers;
  const Status read = JsonReader::read(
      document,
      [&](std::string_view path, std::uint64_t value) -> Status {
        numbers[std::string(path)] = value;
        return Done{};
      },
      [&](std::string_view path, std::string_view value) { texts[std::string(path)] = unescapeJson(value); });
  ASSERT_TRUE(read) << read.error().message << document;
  EXPECT_EQ(texts, (std::map<std::string, std::string>{{"text", text}, {"inner.text", "x"}}));
  EXPECT_EQ(numbers, (std::map<std::string, std::uint64_t>{{"number", ~std::uint64_t{0}}}));
}

TEST(BrokerJson, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(jsonString("a\xff\xc3"), "\"a??\"");
  EXPECT_EQ(jsonString("\xc0\xaf"), "\"??\"");
  EXPECT_EQ(jsonString("\xe2\x82"), "\"??\"");
  EXPECT_EQ(jsonString("\xe2\x82\xac"), "\"\xe2\x82\xac\"");
}

TEST(BrokerJson, EscapesAreDecodedAsFarAsTheyGo) {
  EXPECT_EQ(unescapeJson(R"(\"\\\/\b\f\n\r\t\u0041\u00e4)"), "\"\\/\b\f\n\r\tA?");
  EXPECT_EQ(unescapeJson("ends with \\"), "ends with \\");
  EXPECT_EQ(unescapeJson("\\u00"), std::string(1, '\0'));
}

}  // namespace
}  // namespace transship::test

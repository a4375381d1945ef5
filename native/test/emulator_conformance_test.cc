// Every D item twice: the emulator conforms, and a mutant that breaks just that item is noticed.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "common/mutant.hh"
#include "emulator_checks.hh"

namespace transship::emulator::test {

void PrintTo(const Check& check, std::ostream* to) { *to << check.item; }

namespace {

constexpr int kItems = 28;

std::vector<Check> allChecks() {
  std::vector<Check> all;
  for (const auto part :
       {registerChecks(), stateChecks(), trafficChecks(), savingChecks(), resumingChecks()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end(),
            [](const Check& a, const Check& b) { return std::string_view(a.item) < b.item; });
  return all;
}

class EmulatorConformance : public testing::TestWithParam<Check> {};

TEST_P(EmulatorConformance, Holds) { EXPECT_EQ(GetParam().run(), ""); }

#ifdef TRANSSHIP_MUTANTS

class ActiveMutant {
 public:
  explicit ActiveMutant(const char* item) { setMutant(item); }
  ~ActiveMutant() { setMutant(""); }
};

TEST_P(EmulatorConformance, ItsMutantIsNoticed) {
  const ActiveMutant mutant(GetParam().item);
  std::string complaint;
  try {
    complaint = GetParam().run();
  } catch (const std::exception& error) {
    complaint = error.what();
  }
  EXPECT_NE(complaint, "") << "no check turns red when " << GetParam().item << " is broken";
}

#endif

TEST(EmulatorConformanceList, HasEveryItemOnce) {
  std::set<std::string> items;
  for (const Check& check : allChecks()) {
    EXPECT_TRUE(items.insert(check.item).second) << check.item;
  }
  EXPECT_EQ(items.size(), std::size_t{kItems});
}

std::string nameOf(const testing::TestParamInfo<Check>& check) {
  std::string name = check.param.item;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Items, EmulatorConformance, testing::ValuesIn(allChecks()), nameOf);

}  // namespace
}  // namespace transship::emulator::test

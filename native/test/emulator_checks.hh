// One check per D item: returns what is wrong, or nothing. They run against the emulator as it is (all must
// be content) and against each of its mutants (the item's own check must complain).
#pragma once

#include <span>
#include <string>

namespace transship::emulator::test {

struct Check {
  const char* item;
  std::string (*run)();
};

std::span<const Check> registerChecks();
std::span<const Check> stateChecks();
std::span<const Check> trafficChecks();
std::span<const Check> savingChecks();
std::span<const Check> resumingChecks();

}  // namespace transship::emulator::test

// Ends a check with the condition that does not hold.
#define MUST(condition)  \
  do {                   \
    if (!(condition)) {  \
      return #condition; \
    }                    \
  } while (false)

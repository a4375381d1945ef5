// Switches that break one conformance rule each, so that a test can prove that it notices.
//
//   if (TRANSSHIP_MUTANT("V1-31")) value = nibble;   // forgets the reserved bits
//
// In every build but the mutant one (-DTRANSSHIP_MUTANTS=ON) the condition is the constant false and
// leaves no code behind. In the mutant build it is true when the environment variable TRANSSHIP_MUTANT
// named the item at process start, or setMutant() named it since.
#pragma once

#ifdef TRANSSHIP_MUTANTS

#include <string_view>

#define TRANSSHIP_MUTANT(item) (::transship::mutantActive(item))

namespace transship {

/// Whether the rule `item` ("V1-43", "D-16") is to be broken in this process.
[[nodiscard]] bool mutantActive(std::string_view item) noexcept;

/// Chooses the broken rule; an empty name breaks none. Threads see the change at their next check.
void setMutant(std::string_view item);

}  // namespace transship

#else

#define TRANSSHIP_MUTANT(item) (false)

#endif

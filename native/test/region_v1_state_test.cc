// State changes: what is written, what is checked, and what a failure leads to.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

FakeDevice::Fault refusing(std::string access, int errorNumber) {
  return [access = std::move(access), errorNumber](const std::string& seen) -> std::optional<int> {
    return seen == access ? std::optional{errorNumber} : std::nullopt;
  };
}

TEST(RegionV1State, V1_06_SourceAndTargetVoyageWriteTheseValues) {
  Driver source;
  source.toStopCopy();
  source.walk({kStop});
  EXPECT_EQ(source.stateWrites(),
            (Trace{"write device_state 0x3", "write device_state 0xb", "write device_state 0xa",
                   "write device_state 0x2", "write device_state 0x0"}));
  Driver target;
  target.toResuming();
  target.walk({kStop, kRunningP2p, kRunning});
  EXPECT_EQ(target.stateWrites(),
            (Trace{"write device_state 0x9", "write device_state 0x8", "write device_state 0x0",
                   "write device_state 0x4", "write device_state 0x0", "write device_state 0x9",
                   "write device_state 0x1"}));
}

TEST(RegionV1State, AnArcToTheCurrentStateWritesNothing) {
  Driver driver;
  driver.walk({kRunning});
  EXPECT_TRUE(driver.stateWrites().empty());
}

TEST(RegionV1State, AnIllegalArcWritesNothing) {
  Driver driver;
  EXPECT_EQ(codeOf(driver.session->arc(kStopCopy)), "TRANSSHIP_ILLEGAL_ARC");
  EXPECT_TRUE(driver.stateWrites().empty());
}

TEST(RegionV1State, V1_03_TheStateMayBeReadAtAnyTime) {
  Driver driver;
  driver.device->preCopy.push_back(patternBytes(10, 1));
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  auto state = driver.session->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, kPreCopy);
}

TEST(RegionV1State, V1_04_ASuccessfulWriteIsNotPolled) {
  Driver driver;
  driver.device->trace.clear();
  driver.walk({kPreCopy});
  EXPECT_EQ(driver.device->trace, (Trace{"read 0/4", "write device_state 0x3"}));
}

TEST(RegionV1State, V1_07_AChangeByAnotherIsReportedAndEndsEverythingButReset) {
  Driver driver;
  driver.walk({kPreCopy});
  driver.device->stateRegister = 0x1;
  auto refused = driver.session->arc(kPreCopyP2p);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_STREQ(refused.error().state, "Running");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

TEST(RegionV1State, V1_07_TheEndOfAStreamIsNotBelievedOfADeviceThatSomebodyReset) {
  Driver driver;
  driver.toStopCopy();
  driver.device->stateRegister = 0x1;
  driver.device->fault = {};
  driver.device->preCopy.clear();
  driver.device->stateRegister = 0x3;  // reads zero pending bytes, as it has nothing now
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_FOREIGN_STATE_CHANGE");
}

TEST(RegionV1State, V1_08_AfterARefusedWriteTheStateIsReadBeforeAnythingElse) {
  Driver driver;
  driver.device->fault = refusing("write device_state 0x9", EBUSY);
  auto refused = driver.session->arc(kRunningP2p);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ARC_REFUSED");
  EXPECT_EQ(refused.error().errorNumber, EBUSY);
  EXPECT_STREQ(refused.error().state, "Running");
  ASSERT_GE(driver.device->trace.size(), 2u);
  EXPECT_EQ(driver.device->trace.back(), "read 0/4");
  EXPECT_EQ(*(driver.device->trace.end() - 2), "write device_state 0x9");
}

TEST(RegionV1State, ARefusedArcLeavesTheSessionAsItWas) {
  Driver driver;
  driver.device->preCopy.push_back(patternBytes(150, 1));
  driver.walk({kPreCopy});
  driver.device->fault = refusing("write device_state 0xb", EBUSY);
  EXPECT_EQ(codeOf(driver.session->arc(kPreCopyP2p)), "TRANSSHIP_ARC_REFUSED");
  driver.device->fault = {};
  EXPECT_EQ(driver.drain(), (std::vector<Bytes>{patternBytes(150, 1)}));
  driver.walk({kPreCopyP2p});
}

TEST(RegionV1State, V1_09_AThirdStateAfterARefusedWriteIsAViolationUntilReset) {
  Driver driver;
  driver.device->fault = refusing("write device_state 0x9", EIO);
  driver.device->stateAfterFault = 0x0;
  auto refused = driver.session->arc(kRunningP2p);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_DRIVER_VIOLATION");
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

TEST(RegionV1State, V1_10_InErrorNothingButResetTouchesTheDevice) {
  Driver driver;
  driver.walk({kPreCopy});
  driver.device->fault = refusing("write device_state 0xb", EIO);
  driver.device->stateAfterFault = 0x6;
  auto failed = driver.session->arc(kPreCopyP2p);
  EXPECT_EQ(codeOf(failed), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(failed.error().errorNumber, EIO);
  driver.device->fault = {};
  driver.device->trace.clear();
  EXPECT_EQ(codeOf(driver.session->arc(kPreCopy)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(codeOf(driver.session->pendingBytes()), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(codeOf(driver.session->beginSegment(1)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(driver.device->trace, Trace{"read 0/4"});
  EXPECT_TRUE(driver.session->reset());
}

TEST(RegionV1State, V1_10_ADeviceThatWentToErrorByItselfIsNotWrittenTo) {
  Driver driver;
  driver.device->stateRegister = 0x6;
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_TRUE(driver.stateWrites().empty());
}

TEST(RegionV1State, V1_11_ResetIsBelievedOnlyWhenTheDeviceIsRunning) {
  Driver driver;
  driver.walk({kRunningP2p, kStop});
  driver.device->trace.clear();
  EXPECT_TRUE(driver.session->reset());
  EXPECT_EQ(driver.device->trace, (Trace{"reset", "read 0/4"}));
  driver.walk({kRunningP2p, kStop});
  driver.device->ignoreReset = true;
  EXPECT_EQ(codeOf(driver.session->reset()), "TRANSSHIP_RESET_FAILED");
}

TEST(RegionV1State, ARefusedResetIsReported) {
  Driver driver;
  driver.device->fault = refusing("reset", EIO);
  auto refused = driver.session->reset();
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_RESET_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EIO);
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_RESET_FAILED");  // and nothing else helps
  EXPECT_TRUE(driver.stateWrites().empty());
  driver.device->fault = {};
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

TEST(RegionV1State, V1_13_ResetIsAllowedInEveryState) {
  for (const std::uint32_t value : {0x0u, 0x1u, 0x2u, 0x3u, 0x4u, 0x6u, 0x9u, 0xBu, 0xEu}) {
    Driver driver{{.initialState = value}};
    EXPECT_TRUE(driver.session->reset()) << value;
    EXPECT_EQ(driver.device->stateRegister, 0x1u);
  }
}

TEST(RegionV1State, V1_22_ARejectedLoadIsNeverSuccessAndNeedsAReset) {
  Driver driver;
  driver.toResuming();
  driver.load({patternBytes(40, 1)});
  driver.device->fault = refusing("write device_state 0x0", EINVAL);
  auto rejected = driver.session->arc(kStop);
  EXPECT_EQ(codeOf(rejected), "TRANSSHIP_LOAD_REJECTED");
  EXPECT_EQ(rejected.error().errorNumber, EINVAL);
  EXPECT_STREQ(rejected.error().state, "Resuming");
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_TRUE(driver.session->reset());
}

TEST(RegionV1State, V1_29_ADeviceFoundStoppedWithNdmaIsStopped) {
  Driver driver{{.initialState = 0x8}};
  auto state = driver.session->state();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(*state, kStop);
  driver.walk({kRunningP2p, kRunning});
}

TEST(RegionV1State, V1_30_NdmaHoldsUntilRunningIsOffAndIsThereWhenItComesBack) {
  Driver driver;
  driver.walk({kRunningP2p, kStop, kRunningP2p});
  EXPECT_EQ(driver.stateWrites(), (Trace{"write device_state 0x9", "write device_state 0x8",
                                         "write device_state 0x0", "write device_state 0x9"}));
}

TEST(RegionV1State, V1_31_ReservedBitsAreKept) {
  Driver driver{{.initialState = 0xABCD0001}};
  driver.toStopCopy();
  EXPECT_EQ(driver.device->stateRegister, 0xABCD0002);
}

TEST(RegionV1State, V1_32_ErrorUnderReservedBitsIsError) {
  Driver driver{{.initialState = 0x16}};
  auto state = driver.session->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, kError);
}

TEST(RegionV1State, V1_32_0xEIsAViolationNotError) {
  Driver driver{{.initialState = 0xE}};
  EXPECT_EQ(codeOf(driver.session->state()), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_DRIVER_VIOLATION");
  auto raw = driver.session->rawState();
  ASSERT_TRUE(raw);
  EXPECT_EQ(*raw, 0xEu);
}

TEST(RegionV1State, V1_33_ADeviceThatDoesNotKnowNdmaWithoutRunningIsStoppedInOneWrite) {
  Driver driver;
  driver.walk({kRunningP2p});
  driver.device->fault = refusing("write device_state 0x8", EINVAL);
  driver.walk({kStop});
  EXPECT_EQ(driver.stateWrites().back(), "write device_state 0x0");
  EXPECT_EQ(driver.device->stateRegister, 0x0u);
}

TEST(RegionV1State, AHalfWayRefusalIsTheStateReachedAndCanBeRetried) {
  Driver driver;
  driver.walk({kRunningP2p});
  driver.device->fault = refusing("write device_state 0x0", EBUSY);
  auto refused = driver.session->arc(kStop);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ARC_REFUSED");
  EXPECT_STREQ(refused.error().state, "Stop");
  driver.device->fault = {};
  driver.walk({kStop, kRunningP2p, kRunning});
  EXPECT_EQ(driver.device->stateRegister, 0x1u);
}

TEST(RegionV1State, TheFirstErrorIsReportedWhenTheStateCannotBeReadAfterIt) {
  Driver driver;
  bool refused = false;
  driver.device->fault = [&refused](const std::string& access) -> std::optional<int> {
    if (access == "write device_state 0x9") {
      refused = true;
      return EBUSY;
    }
    return refused ? std::optional{EIO} : std::nullopt;
  };
  auto failed = driver.session->arc(kRunningP2p);
  EXPECT_EQ(failed.error().errorNumber, EBUSY);
  EXPECT_EQ(failed.error().state, nullptr);
}

}  // namespace
}  // namespace transship::test

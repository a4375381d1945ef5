// State changes of v2: what is asked for, what is checked, and what a failure leads to.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/v2_driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

TEST(SessionV2State, V2_05_SourceAndTargetVoyageAskForTheseStates) {
  V2Driver source;
  source.toStopCopy();
  EXPECT_TRUE(source.drain().ended);
  source.walk({kStop});
  EXPECT_EQ(source.requests(), (Trace{"set 6", "set 7", "set 3", "set 1"}));
  V2Driver target;
  target.toResuming();
  target.walk({kStop, kRunningP2p, kRunning});
  EXPECT_EQ(target.requests(), (Trace{"set 5", "set 1", "set 4", "set 1", "set 5", "set 2"}));
  V2Driver leap;
  EXPECT_EQ(codeOf(leap.session->arc(kStopCopy)), "TRANSSHIP_ILLEGAL_ARC");
  EXPECT_EQ(codeOf(leap.session->arc(kStop)), "TRANSSHIP_ILLEGAL_ARC");
  EXPECT_TRUE(leap.requests().empty());
}

TEST(SessionV2State, AnArcToTheCurrentStateAsksForNothing) {
  V2Driver driver;
  driver.walk({kRunning});
  EXPECT_TRUE(driver.requests().empty());
}

TEST(SessionV2State, V2_04_AfterARefusalTheStateIsReadFirst) {
  V2Driver driver;
  driver.refuse("set 5", EBUSY);
  driver.device->trace.clear();
  auto refused = driver.session->arc(kRunningP2p);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ARC_REFUSED");
  EXPECT_EQ(refused.error().errorNumber, EBUSY);
  EXPECT_STREQ(refused.error().state, "Running");
  EXPECT_EQ(driver.device->trace, (Trace{"get", "set 5", "get"}));
  driver.device->fault = {};
  driver.walk({kRunningP2p});
}

TEST(SessionV2State, V2_04_AnyStateAfterARefusalIsTakenUp) {
  V2Driver driver;
  driver.walk({kRunningP2p});
  driver.refuse("set 1", EIO);
  driver.device->stateAfterFault = 2;
  auto refused = driver.session->arc(kStop);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ARC_REFUSED");
  EXPECT_STREQ(refused.error().state, "Running");
  driver.device->fault = {};
  driver.walk({kRunningP2p, kStop});
}

TEST(SessionV2State, V2_04_AStateWithoutANameAfterARefusalLeavesOnlyAReset) {
  V2Driver driver;
  driver.refuse("set 5", EIO);
  driver.device->stateAfterFault = 9;
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  driver.device->fault = {};
  driver.device->state = 2;
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

TEST(SessionV2State, V2_27_ErrorIsLeftByAResetThatIsChecked) {
  V2Driver driver;
  driver.refuse("set 6", EIO);
  driver.device->stateAfterFault = 0;
  auto refused = driver.session->arc(kPreCopy);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(refused.error().errorNumber, EIO);
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->arc(kRunning)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DEVICE_ERROR");
  driver.device->ignoreReset = true;
  EXPECT_EQ(codeOf(driver.session->reset()), "TRANSSHIP_RESET_FAILED");
  EXPECT_EQ(codeOf(driver.session->arc(kRunning)), "TRANSSHIP_RESET_FAILED");
  driver.device->ignoreReset = false;
  driver.device->trace.clear();
  EXPECT_TRUE(driver.session->reset());
  EXPECT_EQ(driver.device->trace, (Trace{"reset", "get"}));
  driver.walk({kRunningP2p});
}

TEST(SessionV2State, ARefusedResetMeansThatTheDeviceIsLost) {
  V2Driver driver;
  driver.refuse("reset", EIO);
  EXPECT_EQ(codeOf(driver.session->reset()), "TRANSSHIP_RESET_FAILED");
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_RESET_FAILED");
  V2Driver without{{.reset = false}};
  EXPECT_EQ(codeOf(without.session->reset()), "TRANSSHIP_RESET_UNSUPPORTED");
  EXPECT_EQ(without.count("reset"), 0u);
}

TEST(SessionV2State, AChangeByAnotherIsReportedAndEndsEverythingButReset) {
  V2Driver driver;
  driver.walk({kPreCopy});
  driver.device->state = 2;
  auto refused = driver.session->arc(kPreCopyP2p);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_STREQ(refused.error().state, "Running");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_EQ(driver.requests(), (Trace{"set 6"}));
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

TEST(SessionV2State, V2_06_AStreamThatIsMissingIsADriversFault) {
  V2Driver driver;
  driver.device->streamLie = false;
  EXPECT_EQ(codeOf(driver.session->arc(kPreCopy)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DRIVER_VIOLATION");
}

TEST(SessionV2State, V2_06_AStreamThatNobodyAskedForIsClosed) {
  V2Driver driver;
  driver.device->streamLie = true;
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(driver.device->streams->opened, 1);
  EXPECT_EQ(driver.device->streams->closed, 1);
}

TEST(SessionV2State, AReplyThatNamesAnotherStateIsNotBelieved) {
  V2Driver driver;
  driver.device->stateLie = 1;
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(codeOf(driver.session->arc(kRunning)), "TRANSSHIP_DRIVER_VIOLATION");
}

TEST(SessionV2State, V2_40_ReadingTheStateOpensAndClosesNothing) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(10, 1));
  driver.walk({kPreCopy});
  auto state = driver.session->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, kPreCopy);
  EXPECT_EQ(driver.device->streams->opened, 1);
  EXPECT_EQ(driver.device->streams->closed, 0);
  EXPECT_EQ(driver.drain().bytes, patternBytes(10, 1));
}

}  // namespace
}  // namespace transship::test

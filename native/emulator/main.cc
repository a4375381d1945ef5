// transship-emulator: devices without hardware. See docs/emulator.md.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "control.hh"
#include "node.hh"
#include "options.hh"
#include "server.hh"

namespace {

using namespace transship;
using namespace transship::emulator;

constexpr int kBadUsage = 2;
constexpr int kDied = 70;  // exit code of the fault "die"

// Waits for SIGTERM or SIGINT or, if wanted, for the end of stdin.
void waitForEnd(int signals, bool watchStdin) {
  pollfd entries[] = {{signals, POLLIN, 0}, {watchStdin ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    if (::poll(entries, 2, -1) <= 0) {
      continue;  // EINTR
    }
    if (entries[0].revents != 0) {
      return;
    }
    char ignored[256];
    if (entries[1].revents != 0 && ::read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0) {
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--help") {
    std::fputs(usage(), stdout);
    return 0;
  }
  std::string why;
  const auto options = parseOptions(arguments, why);
  if (!options) {
    std::fprintf(stderr, "transship-emulator: %s (--help lists the options)\n", why.c_str());
    return kBadUsage;
  }
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);  // before any thread, so that all inherit it
  try {
    const UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC));
    Node node(*options, [] { ::_exit(kDied); });
    const DeviceServer devices(node, options->directory);
    const ControlServer control(node, options->directory);
    std::puts("ready");
    std::fflush(stdout);
    waitForEnd(signals.get(), options->exitWithParent);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "transship-emulator: %s\n", error.what());
    return 1;
  }
  return 0;
}

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include "hook.hh"

namespace {

constexpr const char* kUsage =
    "usage: example-workload --hook SOCKET (--broker SOCKET --device NAME | --group N --device NAME) "
    "[options]\n"
    "  --hook SOCKET        where the agent finds this workload\n"
    "  --broker SOCKET      workload socket of the broker that has the device\n"
    "  --group N            open the device of this IOMMU group without a broker\n"
    "  --device NAME        its name at the broker, or in its group (UUID of an mdev)\n"
    "  --incoming           wait to be loaded instead of beginning to work\n"
    "  --live-pass          send a first copy of the memory while the work goes on\n"
    "  --memory BYTES       mapped for the device at a fixed address (4194304)\n"
    "  --iova ADDRESS       that address (4294967296)\n"
    "  --dma-interval US    let the device write the first half of the memory (only test/kernel/module can)\n"
    "  --status FILE        write the counters there, as JSON, five times a second\n";

/// Options by their names; flags have an empty value.
using Arguments = std::map<std::string, std::string, std::less<>>;

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int at = 1; at < argc; ++at) {
    const std::string name = argv[at];
    const bool isFlag = name == "--incoming" || name == "--live-pass";
    if (!name.starts_with("--") || (!isFlag && at + 1 == argc)) {
      throw std::invalid_argument(kUsage);
    }
    arguments[name] = isFlag ? "" : argv[++at];
  }
  if (!arguments.contains("--hook") || !arguments.contains("--device") ||
      arguments.contains("--broker") == arguments.contains("--group")) {
    throw std::invalid_argument(kUsage);
  }
  return arguments;
}

std::uint64_t number(const Arguments& arguments, std::string_view name, std::uint64_t otherwise) {
  const auto found = arguments.find(name);
  if (found == arguments.end()) {
    return otherwise;
  }
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(std::string(name) + " is a number, not " + text);
  }
  return value;
}

std::string describe(const Report& report) {
  const auto& [sent, received, gaps, doubles, resetAway] = report.counters;
  std::string text = "{\"state\":\"" + std::string(nameOf(report.phase)) + '"';
  const auto add = [&](const char* name, std::uint64_t value) {
    text += std::string(",\"") + name + "\":" + std::to_string(value);
  };
  add("sent", sent);
  add("received", received);
  add("underWay", sent - received);
  add("gaps", gaps);
  add("doubles", doubles);
  add("resetAway", resetAway);
  add("wrongBytes", report.wrongBytes);
  add("deviceWrites", report.device.highest);
  add("wrongPages", report.device.wrongPages);
  std::string trouble = report.trouble;
  std::erase_if(trouble, [](char c) { return c == '"' || c == '\\' || c < ' '; });
  return text + ",\"trouble\":\"" + trouble + "\"}";
}

/// Replaced in one step, so that no reader sees half of it.
void writeFile(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::ofstream(fresh) << text << '\n';
  std::rename(fresh.c_str(), path.c_str());
}

std::atomic<bool> ended = false;

void report(Workload& workload, const std::string& statusPath) {
  using namespace std::chrono_literals;
  Phase before = Phase::kEnded;
  for (unsigned round = 0; !ended; ++round) {
    const Report now = workload.report();
    const std::string text = describe(now);
    if (!statusPath.empty()) {
      writeFile(statusPath, text);
    }
    if (now.phase != before || round % 10 == 0) {
      std::printf("%s\n", text.c_str());
      std::fflush(stdout);
    }
    before = now.phase;
    std::this_thread::sleep_for(200ms);
  }
}

int run(const Arguments& arguments) {
  const std::string device = arguments.at("--device");
  WorkloadOptions options;
  if (arguments.contains("--broker")) {
    options.openDevice = [socket = arguments.at("--broker"), device] {
      return deviceFromBroker(socket, device);
    };
  } else {
    const int group = static_cast<int>(number(arguments, "--group", 0));
    options.openDevice = [group, device] { return deviceFromGroup(group, device); };
  }
  options.iova = number(arguments, "--iova", options.iova);
  options.memory = number(arguments, "--memory", options.memory);
  options.dmaIntervalUs = static_cast<std::uint32_t>(number(arguments, "--dma-interval", 0));
  if (options.memory < 8192 || options.memory % 8192 != 0 || options.iova % 4096 != 0) {
    throw std::invalid_argument("--memory is a multiple of 8192, --iova one of 4096");
  }

  Workload workload(options);
  if (!arguments.contains("--incoming")) {
    workload.start();
  }
  HookService service(workload, device, arguments.contains("--live-pass"));
  const std::string hook = arguments.at("--hook");
  std::remove(hook.c_str());
  // Whoever may connect may freeze the workload and read its memory.
  ::umask(0117);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + hook, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) {
    throw std::runtime_error("the hook cannot be served at " + hook);
  }
  const auto status = arguments.find("--status");
  report(workload, status == arguments.end() ? "" : status->second);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { ended = true; });
  std::signal(SIGINT, [](int) { ended = true; });
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "example-workload: %s\n", error.what());
    return 1;
  }
}

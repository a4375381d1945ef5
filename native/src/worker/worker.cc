#include "worker/worker.hh"

#include "common/mutant.hh"

namespace transship {
namespace {

void runOne(Job& job) {
  if (TRANSSHIP_MUTANT("V1-28") ||
      TRANSSHIP_MUTANT("V2-37")) {  // all devices share one thread's worth of progress
    static std::mutex everyDevice;
    const std::lock_guard lock{everyDevice};
    job.run();
    return;
  }
  job.run();
}

}  // namespace

Worker::Worker() : thread_([this] { run(); }) {}

Worker::~Worker() {
  finish(nullptr);
  join();
}

std::unique_ptr<Job> Worker::post(std::unique_ptr<Job> job) {
  if (TRANSSHIP_MUTANT("V2-39")) {  // does not wait for what is under way
    job->run();
    return nullptr;
  }
  {
    const std::lock_guard lock{mutex_};
    if (finishing_ || queue_.size() >= kMaxQueued) {
      return job;
    }
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
  return nullptr;
}

void Worker::finish(std::unique_ptr<Job> last) {
  {
    const std::lock_guard lock{mutex_};
    if (finishing_) {
      return;
    }
    finishing_ = true;
    if (last) {
      queue_.push_back(std::move(last));
    }
  }
  changed_.notify_one();
}

void Worker::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Worker::run() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return finishing_ || !queue_.empty(); });
      if (queue_.empty()) {
        return;
      }
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    runOne(*job);
  }
}

}  // namespace transship

#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace transship {

/// One piece of work for a worker thread.
class Job {
 public:
  virtual ~Job() = default;
  virtual void run() = 0;
};

/// One thread that runs jobs in the order they were posted. Every device has its own: a set must quiesce
/// together, and a device that takes long must not hold up the others (V1-28).
class Worker {
 public:
  /// Jobs that may wait. Far more than a device's user has under way; a bound all the same.
  static constexpr std::size_t kMaxQueued = 256;

  /// Starts the thread. Throws std::system_error when the system has none left.
  Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Runs what is queued, then ends the thread.
  ~Worker();

  /// Queues a job. Returns it when the queue is full or the worker was stopped, null when it was taken.
  [[nodiscard]] std::unique_ptr<Job> post(std::unique_ptr<Job> job);

  /// Queues one last job, past the bound of the queue; the thread ends after it. A second call does nothing
  /// and destroys its job unrun.
  void finish(std::unique_ptr<Job> last);

  /// Waits until the thread has ended. Only after finish().
  void join();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> queue_;
  bool finishing_ = false;
  std::thread thread_;
};

}  // namespace transship

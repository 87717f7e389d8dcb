#pragma once
// hls::stream as hardware has it: a queue of so many words, whose writer waits where it is full, whose reader where it is
// empty. Stands in for the queue without end of hls4ml where each process of a dataflow region runs as a thread.

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hls {

template <class T>
class stream {
  public:
    stream() {}
    /// The ports of the top function hold all images of the test bench.
    explicit stream(const std::string& name) : depth_(name == "pixels" || name == "logits" ? std::size_t(-1) : 2) {}

    void set_depth(std::size_t depth) { depth_ = depth; }

    bool empty() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (!words_.empty()) return false;
        }
        std::this_thread::yield();
        return true;
    }

    T read() {
        std::unique_lock<std::mutex> lock(mutex_);
        wait(lock, [this] { return !words_.empty(); });
        T word = words_.front();
        words_.pop_front();
        changed_.notify_all();
        return word;
    }

    void write(const T& word) {
        std::unique_lock<std::mutex> lock(mutex_);
        wait(lock, [this] { return words_.size() < depth_; });
        words_.push_back(word);
        changed_.notify_all();
    }

  private:
    template <class Condition>
    void wait(std::unique_lock<std::mutex>& lock, Condition condition) {
        if (changed_.wait_for(lock, std::chrono::seconds(20), condition)) return;
        std::fprintf(stderr, "deadlock\n");
        std::_Exit(1);
    }

    std::size_t depth_ = 2;
    std::deque<T> words_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

template <class T>
void set_depth(stream<T>& one, std::size_t depth) {
    one.set_depth(depth);
}

template <class T, std::size_t N>
void set_depth(stream<T> (&all)[N], std::size_t depth) {
    for (stream<T>& one : all) one.set_depth(depth);
}

/// The processes of a dataflow region, which ends when all of them have ended.
class processes {
  public:
    void finish() {
        for (std::thread& process : threads_) process.join();
    }
    template <class Process>
    void start(Process process) {
        threads_.emplace_back(process);
    }

  private:
    std::vector<std::thread> threads_;
};

}  // namespace hls

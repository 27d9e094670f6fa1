// Progress on stderr: a bar with done/total, rate and time left on a terminal, one line every few seconds
// elsewhere.
#pragma once

#include <mutex>
#include <string>

#include "base/progress.h"

namespace lq::cli {

// Thread-safe.
class ConsoleProgress final : public Progress {
 public:
  // verbose: one line for every stage that ends, with its time, also where no terminal listens.
  explicit ConsoleProgress(bool quiet, bool verbose = false);
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override;
  void update(std::int64_t done, std::string_view detail) override;
  void end() override;
  void note(std::string_view line) override;

 private:
  void draw(bool last);

  const bool quiet_;
  const bool verbose_;
  const bool terminal_;
  std::mutex mutex_;
  std::string stage_, unit_, detail_;
  std::int64_t total_ = 0, done_ = 0, first_ = 0;
  bool started_ = false;  // the first update tells what was done before
  double begin_ = 0.0, drawn_ = 0.0;
};

// "1.2 M", "350 k", "12".
std::string human_count(double count);
// The same of what a second brings, with two digits where they are few: "0.53".
std::string human_rate(double rate);

}  // namespace lq::cli

#include "cli/console_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/process.h"

namespace lq::cli {
namespace {

constexpr double kTerminalInterval = 0.1;  // seconds between drawings
constexpr double kLineInterval = 5.0;
constexpr int kBarWidth = 24;

}  // namespace

std::string human_count(double count) {
  if (count >= 1e9) return fmt::format("{:.1f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.1f} M", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.0f} k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string human_rate(double rate) { return rate < 10 ? fmt::format("{:.2g}", rate) : human_count(rate); }

ConsoleProgress::ConsoleProgress(bool quiet, bool verbose)
    : quiet_(quiet), verbose_(verbose), terminal_(isatty(STDERR_FILENO) != 0) {}

void ConsoleProgress::begin(std::string_view stage, std::int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
  unit_ = unit;
  detail_.clear();
  total_ = total;
  done_ = first_ = 0;
  started_ = false;
  begin_ = drawn_ = monotonic_seconds();
}

void ConsoleProgress::update(std::int64_t done, std::string_view detail) {
  const std::lock_guard lock(mutex_);
  if (!started_) first_ = detail.empty() ? done : 0;
  started_ = true;
  done_ = done;
  detail_ = detail;
  const double now = monotonic_seconds();
  if (now - drawn_ < (terminal_ ? kTerminalInterval : kLineInterval)) return;
  drawn_ = now;
  draw(false);
}

void ConsoleProgress::end() {
  const std::lock_guard lock(mutex_);
  if (terminal_ || verbose_) draw(true);
}

void ConsoleProgress::note(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (!quiet_) fmt::print(stderr, "{}{}\n", terminal_ ? "\r\x1b[K" : "", line);
}

void ConsoleProgress::draw(bool last) {
  if (quiet_) return;
  const double seconds = std::max(1e-9, monotonic_seconds() - begin_);
  const double rate = static_cast<double>(done_ - first_) / seconds;
  std::string line = fmt::format("{}: ", stage_);
  if (total_ > 0) {
    const double share = static_cast<double>(done_) / static_cast<double>(total_);
    if (terminal_) {
      const int filled = static_cast<int>(share * kBarWidth);
      line += fmt::format("[{}{}] ", std::string(static_cast<std::size_t>(filled), '#'),
                          std::string(static_cast<std::size_t>(kBarWidth - filled), '.'));
    }
    line +=
        fmt::format("{}/{} {} ({:.0f} %), {} {}/s", human_count(static_cast<double>(done_)),
                    human_count(static_cast<double>(total_)), unit_, 100.0 * share, human_rate(rate), unit_);
    if (!last && rate > 0.0) {
      line += fmt::format(", {} left", human_seconds(static_cast<double>(total_ - done_) / rate));
    }
  } else {
    line += fmt::format("{} {}, {} {}/s", human_count(static_cast<double>(done_)), unit_, human_rate(rate),
                        unit_);
  }
  if (last && verbose_) line += ", " + human_seconds(seconds);
  if (!last && !detail_.empty()) line += "  " + detail_;
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ && !last ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace lq::cli

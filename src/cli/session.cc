#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "backends/cuda/device.h"
#include "cli/app.h"
#include "cli/console_progress.h"
#include "files/json_file.h"

namespace lq::cli {
namespace {

// What --device names; nothing for auto.
std::optional<Device> device_of(const std::string& text) {
  if (text == "auto") return std::nullopt;
  try {
    return device_from_text(text);
  } catch (const Error&) {
    fail(ErrorCode::kInvalidArgument, "--device {}: unknown (expected auto, cpu, cuda or cuda:N)", text);
  }
}

// The verbs that call Session::use_device().
constexpr std::array<std::string_view, 7> kDeviceVerbs = {"finetune",  "generate", "chat", "eval",
                                                          "calibrate", "quantize", "sweep"};

// A full disk behind stdout is a failure like any other.
void write_to_stdout(const std::string& text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno == EPIPE) throw OutputClosed();
  LQ_CHECK(written, kIo, "cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

bool takes_device(std::string_view verb) {
  return std::ranges::find(kDeviceVerbs, verb) != kDeviceVerbs.end();
}

Session::Session(const GlobalFlags& flags, const std::atomic<bool>& stop)
    : flags_(flags),
      stop_(stop),
      pool_(flags.threads),
      progress_(std::make_unique<ConsoleProgress>(flags.quiet, flags.verbose)),
      context_{pool_, *progress_, flags.seed, StopToken(&stop)} {
  const std::optional<Device> asked = device_of(flags.device);
  LQ_CHECK(!asked || asked->is_cpu() || takes_device(flags.verb) || flags.verb == "run", kUnsupported,
           "--device {}: {} computes on the cpu only; {} take a device", flags.device, flags.verb,
           fmt::join(kDeviceVerbs, ", "));
}

void Session::use_device() {
  LQ_CHECK(takes_device(flags_.verb), kInternal, "{} is not among the verbs that take a device", flags_.verb);
  const std::optional<Device> asked = device_of(flags_.device);
  if (asked && asked->is_cpu()) return;
  const Device device = asked.value_or(Device{DeviceKind::kCuda, 0});
  if (!asked && !backends::cuda::has_driver()) return;  // nothing that could be missed
  std::string trouble = backends::cuda::trouble(device);
  if (trouble.empty()) {
    try {
      queue_ = open_device_queue(device);
    } catch (const Error& e) {
      if (asked) throw;
      trouble = e.what();
    }
  }
  LQ_CHECK(trouble.empty() || !asked, kUnsupported, "--device {}: {}", flags_.device, trouble);
  if (!trouble.empty()) {
    return note(
        fmt::format("{}: on the cpu, for {} cannot be used: {}", flags_.verb, device_text(device), trouble));
  }
  context_.device = device;
  context_.queue = queue_.get();
  context_.device_is_wish = !asked.has_value();
}

void Session::print(const std::string& text) const {
  if (prints_text()) write_to_stdout(text);
}

void Session::note(const std::string& line) const { context_.progress.note(line); }

void Session::write_json(const nlohmann::ordered_json& json) const {
  if (sink_) return sink_(json);
  if (flags_.json.empty()) return;
  if (flags_.json != "-") return lq::write_json(flags_.json, json);
  write_to_stdout(json.dump(2) + "\n");
}

}  // namespace lq::cli

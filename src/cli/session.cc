#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

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

// A full disk behind stdout is a failure like any other.
void write_to_stdout(const std::string& text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno == EPIPE) throw OutputClosed();
  LQ_CHECK(written, kIo, "cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

Session::Session(const GlobalFlags& flags, const std::atomic<bool>& stop)
    : flags_(flags),
      stop_(stop),
      pool_(flags.threads),
      progress_(std::make_unique<ConsoleProgress>(flags.quiet, flags.verbose)),
      context_{pool_, *progress_, flags.seed, StopToken(&stop)} {
  device_of(flags.device);
}

Context& Session::context() {
  const std::optional<Device> asked = device_of(flags_.device);
  LQ_CHECK(uses_device_ || !asked || asked->is_cpu(), kUnsupported,
           "--device {}: this verb computes on the cpu (finetune, generate and chat take a device)",
           flags_.device);
  return context_;
}

void Session::use_device() {
  uses_device_ = true;
  const std::optional<Device> asked = device_of(flags_.device);
  if (asked && asked->is_cpu()) return;
  const Device device = asked.value_or(Device{DeviceKind::kCuda, 0});
  if (!asked && !backends::cuda::built_in()) return;
  const std::string trouble = backends::cuda::trouble(device);
  LQ_CHECK(trouble.empty() || !asked, kUnsupported, "--device {}: {}", flags_.device, trouble);
  if (!trouble.empty()) return;
  queue_ = open_device_queue(device);
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

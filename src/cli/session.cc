#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "backends/cuda/device.h"
#include "cli/app.h"
#include "cli/console_progress.h"
#include "files/json_file.h"

namespace lq::cli {
namespace {

// Every verb computes on the CPU; CUDA has the codec alone (docs/architecture.md).
void check_device(const std::string& device) {
  if (device == "auto" || device == "cpu") return;
  LQ_CHECK(device.starts_with("cuda"), kUnsupported, "--device {}: unknown (expected auto or cpu)", device);
  LQ_CHECK(backends::cuda::built_in(), kUnsupported,
           "--device {}: this build has no CUDA; its verbs compute on the CPU (expected auto or cpu)",
           device);
  LQ_CHECK(!backends::cuda::devices().empty(), kUnsupported,
           "--device {}: no CUDA device found; verbs compute on the CPU (expected auto or cpu)", device);
  fail(ErrorCode::kUnsupported,
       "--device {}: only the packed codec runs on CUDA so far; verbs compute on the CPU (expected auto or "
       "cpu)",
       device);
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
      pool_(flags.threads),
      progress_(std::make_unique<ConsoleProgress>(flags.quiet, flags.verbose)),
      context_{pool_, *progress_, flags.seed, StopToken(&stop)} {
  check_device(flags.device);
}

void Session::print(const std::string& text) const {
  if (prints_text()) write_to_stdout(text);
}

void Session::note(const std::string& line) const { context_.progress.note(line); }

void Session::write_json(const nlohmann::ordered_json& json) const {
  if (flags_.json.empty()) return;
  if (flags_.json != "-") return lq::write_json(flags_.json, json);
  write_to_stdout(json.dump(2) + "\n");
}

}  // namespace lq::cli

// What the verbs share: global flags, the context they make, and where results go.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "ops/device_memory.h"
#include "tensor/context.h"

namespace lq::cli {

// lqlora [--threads N] [--device ...] [--seed N] [--quiet|--verbose] [--json FILE|-] VERB ...
struct GlobalFlags {
  int threads = 0;
  std::string device = "auto";
  std::string verb;  // as it was called, for messages
  std::uint64_t seed = 0;
  bool quiet = false;
  bool verbose = false;
  std::string json;  // empty: a table on stdout; "-": JSON on stdout; else JSON into that file
};

// Whoever read standard output has gone (`lqlora inspect MODEL | head`): nothing is left to say, not even an
// error.
struct OutputClosed {};

// Whether the verb calls Session::use_device().
bool takes_device(std::string_view verb);

// One run of the program. Lives as long as the verb's work.
class Session {
 public:
  // Throws Error(kUnsupported) where --device names one that the verb does not compute on, before any work.
  Session(const GlobalFlags& flags, const std::atomic<bool>& stop);
  // Of the processor, or what use_device() made of it.
  Context& context() { return context_; }
  // For verbs that compute on any device, first of all: the context is of the device that --device names.
  // auto: of the first CUDA device where there is one that works, as a wish (models/placement.h); where it
  // does not work, a note says why. Throws Error(kUnsupported) that says why the device cannot be used.
  void use_device();
  const GlobalFlags& flags() const { return flags_; }
  // False when stdout belongs to JSON.
  bool prints_text() const { return flags_.json != "-"; }
  // Text for people, on stdout; dropped when stdout belongs to JSON. Throws OutputClosed.
  void print(const std::string& text) const;
  // One line on stderr unless --quiet.
  void note(const std::string& line) const;
  // Writes the result as --json asks, or gives it to whoever collects results.
  void write_json(const nlohmann::ordered_json& json) const;
  // From now on results go there instead.
  using JsonSink = std::function<void(const nlohmann::ordered_json&)>;
  void collect_json(JsonSink sink) { sink_ = std::move(sink); }
  const std::atomic<bool>& stop() const { return stop_; }

 private:
  GlobalFlags flags_;
  const std::atomic<bool>& stop_;
  JsonSink sink_;
  ThreadPool pool_;
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue_;
  Context context_;
};

// A verb's work; run after the command line is parsed.
using Action = std::function<void(Session&)>;

// Each verb adds its subcommand; its callback stores the action to run.
void add_quantize(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_allocate(CLI::App& app, Action& action);
void add_sweep(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_finetune(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_glue(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_chat(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_version(CLI::App& app, Action& action);
// All of them.
void add_verbs(CLI::App& app, Action& action);

}  // namespace lq::cli

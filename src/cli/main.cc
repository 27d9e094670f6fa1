// The program's entry: parses, runs one verb, turns an Error into one line and an exit code.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "cli/app.h"
#include "cli/error_text.h"
#include "cli/json_target.h"
#include "cli/path_names.h"

namespace {

std::atomic<bool> stop_requested{false};

// First signal: stop between units of work. A second one ends the program at once.
extern "C" void on_signal(int signal) {
  if (stop_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

int report(const std::string& message) {
  fmt::print(stderr, "lqlora: error: {}\n", message);
  return 1;
}

// Names of the options of all verbs.
std::set<std::string> option_names(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.insert(name);
  }
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.merge(option_names(*verb));
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace lq::cli;
  GlobalFlags flags;
  CLI::App app{"lqlora: quantize and fine-tune language models on one machine", "lqlora"};
  app.fallthrough();
  app.require_subcommand(1);
  app.add_option("--threads", flags.threads, "Threads to compute with; 0: one per processor")
      ->check(CLI::Range(0, 1024));
  app.add_option(
         "--device", flags.device,
         "auto, cpu, cuda or cuda:N: where quantize, sweep, finetune, calibrate, eval, generate and chat "
         "compute; auto takes a CUDA device where the job fits its memory (quantize and sweep: and has large "
         "matrices)")
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of every random number")->capture_default_str();
  auto* quiet = app.add_flag("--quiet", flags.quiet, "Say nothing on standard error but errors");
  app.add_flag("--verbose", flags.verbose, "Say on standard error when each stage ends and how long it took")
      ->excludes(quiet);
  app.add_option("--json", flags.json, "Write the result as JSON to this file, or '-' for standard output");

  Action action;
  add_verbs(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  } catch (const lq::Error& e) {
    return report(error_text(e, option_names(app)));
  }
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit shows as a failed write
  flags.verb = app.get_subcommands().front()->get_name();
  try {
    const std::vector<std::string> words(argv, argv + argc);
    check_json_target(flags.json, words);
    check_path_names(words);
    Session session(flags, stop_requested);
    action(session);
    return 0;
  } catch (const OutputClosed&) {
    return 128 + SIGPIPE;  // as a program that does not ignore the signal ends
  } catch (const std::bad_alloc&) {
    return report("out of memory");
  } catch (const lq::Error& e) {
    return report(error_text(e, option_names(app)));
  } catch (const std::exception& e) {
    return report(e.what());
  }
}

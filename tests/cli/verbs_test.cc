// Every option of every verb is described once, reachable from the command line, and explained in --help; and
// no verb has an option that is not described.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <set>

#include "calibrate/calibrate_options.h"
#include "cli/app.h"
#include "cli/error_text.h"
#include "cli/run_recipe.h"
#include "compare/compare_options.h"
#include "compare/report.h"
#include "export/export_options.h"
#include "hub/pull_options.h"
#include "jobs/options/allocate_options.h"
#include "jobs/options/eval_options.h"
#include "jobs/options/generate_options.h"
#include "jobs/options/quantize_options.h"
#include "jobs/options/sweep_options.h"
#include "jobs/options/tool_options.h"
#include "train/finetune_options.h"

namespace lq::cli {
namespace {

using Describe = std::function<void(OptionVisitor&)>;

template <typename Options>
Describe described(const Options& defaults = {}) {
  return [defaults](OptionVisitor& v) {
    Options options = defaults;
    describe(v, options);
  };
}

// By the words that call the verb. What a user may ask of a new verb belongs here.
std::map<std::string, Describe> descriptions() {
  return {{"quantize",
           [](OptionVisitor& v) {
             QuantizeOptions options;
             QuantizeChoices open;
             describe(v, options, open);
           }},
          {"sweep",
           [](OptionVisitor& v) {
             SweepJobOptions options = sweep_defaults();
             PlanChoices open;
             describe(v, options, open);
           }},
          {"calibrate", described<CalibrateOptions>()},
          {"allocate", described<AllocateOptions>()},
          {"data preview", described<PreviewOptions>()},
          {"finetune", described<FinetuneOptions>(finetune_defaults())},
          {"compare", described<CompareOptions>()},
          {"glue", described<CompareOptions>()},
          {"run", described<RunOptions>()},
          {"report", described<ReportOptions>()},
          {"eval", described<EvalOptions>()},
          {"generate", described<PromptOptions>()},
          {"chat", described<ConversationOptions>()},
          {"tokenize", described<TokenizeOptions>()},
          {"inspect", described<InspectOptions>()},
          {"export", described<ExportOptions>()},
          {"pull", described<hub::PullOptions>()},
          {"version", [](OptionVisitor&) {}}};
}

// The program's verbs, those of groups such as "data" by both words.
void collect(CLI::App& app, const std::string& before, std::map<std::string, CLI::App*>& verbs) {
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) {
    const auto inner = verb->get_subcommands([](CLI::App*) { return true; });
    if (inner.empty()) verbs[before + verb->get_name()] = verb;
    collect(*verb, before + verb->get_name() + " ", verbs);
  }
}

// Words without line breaks and runs of blanks.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : c;
  }
  return out;
}

class Expected final : public OptionVisitor {
 public:
  Expected(CLI::App& verb, std::string words)
      : verb_(verb), words_(std::move(words)), help_(one_line(verb.help())) {}

  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override {
    const std::string who = "lqlora " + words_ + ": option " + info.key;
    EXPECT_FALSE(info.help.empty()) << who << " has no help";
    EXPECT_NE(help_.find(one_line(option_text(info.help))), std::string::npos)
        << who << " is not explained by --help";
    for (const std::string& name : value->names())
      EXPECT_NE(help_.find(name), std::string::npos) << who << ": --help does not name " << name;
    std::vector<std::string> flags = {info.position.empty() ? "--" + info.key : info.position};
    for (const std::string& alias : info.aliases) flags.push_back("--" + alias);
    if (!info.letter.empty()) flags.push_back("-" + info.letter);
    for (const std::string& flag : flags) {
      CLI::Option* option = verb_.get_option_no_throw(flag);
      ASSERT_NE(option, nullptr) << who << " cannot be given as " << flag;
      EXPECT_NE(help_.find(flag), std::string::npos) << who << ": --help does not say " << flag;
      EXPECT_EQ(option->get_required(), info.required) << who;
      found_.insert(option);
    }
    EXPECT_TRUE(keys_.insert(info.key).second) << who << " is described twice";
  }

  void expect_nothing_else() const {
    for (const CLI::Option* option : verb_.get_options()) {
      if (option == verb_.get_help_ptr()) continue;
      EXPECT_TRUE(found_.contains(option))
          << "lqlora " << words_ << ": " << option->get_name() << " is a flag without a description";
    }
  }

 private:
  CLI::App& verb_;
  std::string words_, help_;
  std::set<const CLI::Option*> found_;
  std::set<std::string> keys_;
};

TEST(Verbs, EveryOptionIsDescribedReachableAndExplained) {
  CLI::App app("lqlora");
  Action action;
  add_verbs(app, action);
  std::map<std::string, CLI::App*> verbs;
  collect(app, "", verbs);
  const std::map<std::string, Describe> all = descriptions();
  EXPECT_EQ(verbs.size(), all.size());
  for (const auto& [words, verb] : verbs) {
    const auto described = all.find(words);
    ASSERT_NE(described, all.end()) << "lqlora " << words << " is not in this table";
    Expected expected(*verb, words);
    described->second(expected);
    expected.expect_nothing_else();
    EXPECT_EQ(verb->get_footer().find("Example: "), 0U) << "lqlora " << words;
    EXPECT_NE(verb->get_footer().find("lqlora " + words), std::string::npos)
        << "lqlora " << words << " --help ends without an example";
  }
}

}  // namespace
}  // namespace lq::cli

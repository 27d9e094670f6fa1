// Described options as flags of the command line: names, ranges, lists, old names and --help.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "files/options/option.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace lq::cli {

// Adds each described option to a verb. What stands in the described struct is the default; parsing sets it
// and notes in `given` which options were there. A value of a wrong type, out of range or without a name that
// exists ends parsing as wrong usage (CLI::ValidationError); a text that its option cannot read throws its
// Error.
class OptionFlags final : public OptionVisitor {
 public:
  // Both outlive the parsing, as does what is described.
  OptionFlags(CLI::App& verb, GivenOptions& given) : verb_(verb), given_(given) {}
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override;
  // After the last option: what excludes what. REQUIRES: excluded keys are options of the verb.
  void finish();

 private:
  CLI::App& verb_;
  GivenOptions& given_;
  std::map<std::string, CLI::Option*> flags_;
  std::map<std::string, std::vector<std::string>> excludes_;
};

// Adds what `describe` shows. The returned options are known when the verb runs; whoever runs it keeps them.
std::shared_ptr<const GivenOptions> add_options(CLI::App& verb,
                                                const std::function<void(OptionVisitor&)>& describe);

// "{cosine,linear}", "N (1 to 1000)": what --help writes after a flag's name.
std::string value_text(const OptionValue& value);
// The default as --help shows it; empty where there is none worth saying.
std::string default_text(const OptionInfo& info, const OptionValue& value);

}  // namespace lq::cli

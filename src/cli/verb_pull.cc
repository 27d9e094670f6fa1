#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "hub/pull_options.h"

namespace lq::cli {

void add_pull(CLI::App& app, Action& action) {
  auto options = std::make_shared<hub::PullOptions>();
  auto* verb = app.add_subcommand("pull", "Download a model or a data file from the hub into its cache");
  verb->footer(
      "Example: lqlora pull HuggingFaceTB/SmolLM2-135M, then hf:HuggingFaceTB/SmolLM2-135M as a MODEL");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback([options, given, &action] {
    action = [options](Session& session) {
      const hub::PullReport report = hub::pull(*options, session.context().progress, session.context().stop);
      session.print(fmt::format("{} files, {} of them downloaded ({})\n{}\n", report.files.size(),
                                report.downloaded, human_bytes(static_cast<double>(report.downloaded_bytes)),
                                report.snapshot.string()));
      session.write_json(to_json(report));
    };
  });
}

}  // namespace lq::cli

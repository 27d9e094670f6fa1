#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "compare/report.h"

namespace lq::cli {

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<ReportOptions>();
  auto* verb = app.add_subcommand("report", "What runs have made, on one HTML page");
  verb->footer("Example: lqlora report quill-nf3 -o report.html");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback([options, given, &action] {
    action = [options](Session& session) {
      const auto runs = write_report(*options);
      nlohmann::ordered_json json = {{"out", options->out.string()},
                                     {"runs", nlohmann::ordered_json::array()}};
      for (const ReportedRun& run : runs) {
        session.print(fmt::format("{}: {}\n", run.path.string(), run.kind));
        json["runs"].push_back({{"path", run.path.string()}, {"kind", run.kind}});
      }
      session.print(fmt::format("{} runs in {}\n", runs.size(), options->out.string()));
      session.write_json(json);
    };
  });
}

}  // namespace lq::cli

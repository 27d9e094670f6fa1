#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "jobs/inspect.h"
#include "jobs/options/tool_options.h"

namespace lq::cli {

void add_inspect(CLI::App& app, Action& action) {
  auto options = std::make_shared<InspectOptions>();
  auto* verb = app.add_subcommand("inspect", "Say what a file or folder is: tensors, bits, size, hashes");
  verb->footer("Example: lqlora inspect examples/models/quill");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback([options, given, &action] {
    action = [options](Session& session) {
      const Inspection result = inspect_path(session.context().pool, options->path, !options->no_hash);
      std::string text = fmt::format("{}: {}\n", options->path.string(), result.kind);
      for (const auto& [key, value] : result.facts) text += fmt::format("  {:<15} {}\n", key, value);
      const bool ranks = std::any_of(result.tensors.begin(), result.tensors.end(),
                                     [](const InspectedTensor& t) { return t.rank.has_value(); });
      std::vector<std::vector<std::string>> rows;
      for (const InspectedTensor& t : result.tensors) {
        rows.push_back({t.name, t.shape, t.type, fmt::format("{:.3f}", t.bits_per_weight),
                        human_bytes(static_cast<double>(t.bytes))});
        if (!ranks) continue;
        rows.back().push_back(t.rank.has_value() ? std::to_string(*t.rank) : "");
        rows.back().push_back(t.rank.has_value() ? fmt::format("{:.3f}", t.bits_with_low_rank) : "");
      }
      session.print(text);
      std::vector<std::string> head = {"tensor", "shape", "type", "bits", "size"};
      if (ranks) head.insert(head.end(), {"rank", "bits with it"});
      if (!rows.empty()) session.print("\n" + format_table(head, rows, {0, 1, 2}));
      session.write_json(result.to_json());
    };
  });
}

}  // namespace lq::cli

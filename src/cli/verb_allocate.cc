#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "allocate/allocation.h"
#include "allocate/constraints.h"
#include "allocate/frontier.h"
#include "allocate/solve.h"
#include "cli/app.h"
#include "cli/table.h"
#include "io/json_file.h"

namespace lq::cli {
namespace {

struct Flags {
  std::string table, out;
  double bits = 0.0;
  bool frontier = false;
  std::vector<std::string> min_bits, max_bits, pins, caps;
};

Constraints constraints_of(const Flags& f) {
  Constraints c;
  for (const auto& text : f.min_bits) c.min_bits.push_back(parse_bits_rule(text, "--min-bits"));
  for (const auto& text : f.max_bits) c.max_bits.push_back(parse_bits_rule(text, "--max-bits"));
  for (const auto& text : f.pins) c.pins.push_back(parse_pin(text, "--pin"));
  for (const auto& text : f.caps) c.caps.push_back(parse_bits_rule(text, "--cap"));
  return c;
}

void print_frontier(Session& session, const Allocator& allocator) {
  const Frontier frontier = trace_frontier(allocator, budget_range());
  std::vector<std::vector<std::string>> rows;
  for (const FrontierPoint& p : frontier.points) {
    rows.push_back({fmt::format("{:.2f}", p.budget), fmt::format("{:.4f}", p.bits_per_weight),
                    fmt::format("{:.6g}", p.objective), fmt::format("{:.1e}", p.gap)});
  }
  session.print(format_table({"budget", "bits", "objective", "gap"}, rows, {}));
  session.write_json(frontier_to_json(frontier));
}

void run(Session& session, const Flags& f) {
  const ErrorTable table = read_error_table(f.table);
  const Allocator allocator(table, constraints_of(f));
  if (f.frontier) return print_frontier(session, allocator);
  LQ_CHECK(f.bits > 0.0, kInvalidArgument, "allocate needs --bits B or --frontier");
  const Allocation a = allocator.solve(f.bits);
  std::vector<std::vector<std::string>> rows;
  for (const AllocatedMatrix& m : a.choices) rows.push_back({m.name, to_string(m.config)});
  session.print(format_table({"matrix", "config"}, rows, {0, 1}));
  session.print(fmt::format("\n{:.4f} bits per weight, objective {:.6g}, proven bound {:.6g}, gap {:.1e}\n",
                            a.bits_per_weight, a.objective, a.bound, a.gap));
  if (!f.out.empty()) write_allocation(f.out, a);
  session.write_json(allocation_to_json(a));
}

}  // namespace

void add_allocate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand(
      "allocate", "Choose the configuration of every matrix under a budget, by integer programme");
  verb->footer("Example: lqlora allocate table.json --bits 2.75 -o allocation.json");
  verb->add_option("TABLE", flags->table, "Error table (.json or .json.gz)")->required();
  auto* bits = verb->add_option("--bits", flags->bits, "Budget in bits per weight, on average")
                   ->check(CLI::PositiveNumber);
  verb->add_flag("--frontier", flags->frontier, "The best error for every budget from 2.2 to 8.2 bits")
      ->excludes(bits);
  verb->add_option("-o,--out", flags->out, "Write the allocation to this file");
  verb->add_option("--min-bits", flags->min_bits,
                   "B or PATTERN=B: at least this for each (matching) matrix (repeatable)");
  verb->add_option("--max-bits", flags->max_bits,
                   "B or PATTERN=B: at most this for each (matching) matrix (repeatable)");
  verb->add_option("--pin", flags->pins,
                   "PATTERN=CONFIG: this configuration for matching matrices (repeatable)");
  verb->add_option("--cap", flags->caps,
                   "PATTERN=B: at most this on average over the matching matrices (repeatable)");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli

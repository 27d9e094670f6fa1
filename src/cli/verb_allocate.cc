#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "allocate/allocation.h"
#include "allocate/frontier.h"
#include "allocate/solve.h"
#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "files/json_file.h"
#include "jobs/memory_plan.h"
#include "jobs/options/allocate_options.h"
#include "jobs/options/plan_options.h"
#include "jobs/select_matrices.h"

namespace lq::cli {
namespace {

// The budget in bits per weight of `--memory`, what else the model needs taken off.
double bits_of_memory(Session& session, const AllocateOptions& o, const ErrorTable& table,
                      const Allocator& allocator) {
  const CheckpointPtr model = Checkpoint::open(o.model);
  const std::string& hash = model->hash(session.context().pool, session.context().stop);
  LQ_CHECK(table.model.empty() || table.model == hash, kMismatch,
           "{}: made from the model with hash {}, but {} has {}", o.table.string(), table.model,
           o.model.string(), hash);
  MatrixSelection selection;
  for (const TableMatrix& m : table.matrices) selection.include.push_back(m.name);
  const MemoryPlan plan =
      finetune_memory_plan(session.context(), model, select_matrices(model->reader(), selection),
                           {.total = o.memory, .rank = table.rank, .tokens = o.memory_tokens});
  session.note(fmt::format(
      "of {}: {} for dense tensors, {} low-rank part, {} its optimizer, {} activations",
      human_bytes(static_cast<double>(plan.total)), human_bytes(static_cast<double>(plan.dense)),
      human_bytes(static_cast<double>(plan.low_rank)), human_bytes(static_cast<double>(plan.optimizer)),
      human_bytes(static_cast<double>(plan.activations))));
  return bits_for_memory(plan, allocator.weights(), allocator.least_bits());
}

void print_frontier(Session& session, const Allocator& allocator) {
  const Frontier frontier =
      trace_frontier(allocator, budget_range(), frontier_options(), &session.context().pool);
  std::vector<std::vector<std::string>> rows;
  for (const FrontierPoint& p : frontier.points) {
    rows.push_back({fmt::format("{:.2f}", p.budget), fmt::format("{:.4f}", p.bits_per_weight),
                    fmt::format("{:.6g}", p.objective), fmt::format("{:.1e}", p.gap)});
  }
  session.print(format_table({"budget", "bits", "objective", "gap"}, rows, {}));
  session.write_json(frontier_to_json(frontier));
}

// An earlier allocation may be replaced, nothing else.
void check_output(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return;
  try {
    (void)read_allocation(path);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kIo) throw;
    fail(ErrorCode::kInvalidArgument, "[output] {}: exists and is no allocation: it is left alone",
         path.string());
  }
}

void run(Session& session, const AllocateOptions& o) {
  check(o);
  check_output(o.out);
  ErrorTable table = read_error_table(o.table);
  const FormatSet formats = formats_of(table.configs);
  check_choice_names(table, formats, o.table.string());
  // Chosen ranks count what they take while they are fine-tuned.
  if (table.has_ranks() && o.memory > 0) table = with_factor_bits(std::move(table), kFinetuneFactorBits);
  Constraints constraints = o.constraints;
  settle_pins(constraints, formats);
  const Allocator allocator(table, constraints);
  if (o.frontier) return print_frontier(session, allocator);
  const Allocation a = allocator.solve(o.bits > 0.0 ? o.bits : bits_of_memory(session, o, table, allocator));
  std::vector<std::vector<std::string>> rows;
  for (const AllocatedMatrix& m : a.choices) {
    rows.push_back({m.name, m.choice});
    if (a.has_ranks) rows.back().push_back(std::to_string(m.rank));
  }
  std::vector<std::string> head = {"matrix", "config"};
  if (a.has_ranks) head.emplace_back("rank");
  session.print(format_table(head, rows, {0, 1}));
  const std::string factors =
      a.has_ranks ? fmt::format(" ({:.4f} of them low-rank factors)", a.factor_bits_per_weight) : "";
  session.print(fmt::format("\n{:.4f} bits per weight{}, objective {:.6g}, proven bound {:.6g}, gap {:.1e}\n",
                            a.bits_per_weight, factors, a.objective, a.bound, a.gap));
  if (!o.out.empty()) write_allocation(o.out, a);
  session.write_json(allocation_to_json(a));
}

}  // namespace

void add_allocate(CLI::App& app, Action& action) {
  auto options = std::make_shared<AllocateOptions>();
  auto* verb = app.add_subcommand(
      "allocate", "Choose the configuration of every matrix under a budget, by integer programme");
  verb->footer("Example: lqlora allocate table.json --bits 2.75 -o allocation.json");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli

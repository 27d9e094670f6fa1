#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "allocate/allocation.h"
#include "allocate/constraints.h"
#include "allocate/frontier.h"
#include "allocate/solve.h"
#include "base/byte_size.h"
#include "base/process.h"
#include "cli/app.h"
#include "cli/plan_flags.h"
#include "cli/table.h"
#include "files/json_file.h"
#include "jobs/memory_plan.h"
#include "jobs/select_matrices.h"

namespace lq::cli {
namespace {

struct AllocateFlags {
  std::string table, out, memory, model;
  double bits = 0.0;
  std::int64_t memory_tokens = 512;
  bool frontier = false;
  ConstraintFlags constraints;
};

// The budget in bits per weight of `--memory`, what else the model needs taken off.
double bits_of_memory(Session& session, const AllocateFlags& f, const ErrorTable& table,
                      const Allocator& allocator) {
  LQ_CHECK(!f.model.empty(), kInvalidArgument,
           "--memory needs --model DIRECTORY, the dense model that the table is of: its other tensors count "
           "as well");
  const CheckpointPtr model = Checkpoint::open(f.model);
  MatrixSelection selection;
  for (const TableMatrix& m : table.matrices) selection.include.push_back(m.name);
  const MemoryPlan plan = finetune_memory_plan(
      session.context(), model, select_matrices(model->reader(), selection),
      {.total = parse_byte_size(f.memory, "memory"), .rank = table.rank, .tokens = f.memory_tokens});
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

void run(Session& session, const AllocateFlags& f) {
  ErrorTable table = read_error_table(f.table);
  const FormatSet formats = formats_of(table.configs);
  check_choice_names(table, formats, f.table);
  // Chosen ranks count what they take while they are fine-tuned.
  if (table.has_ranks() && !f.memory.empty()) table = with_factor_bits(std::move(table), kFinetuneFactorBits);
  const Allocator allocator(table, f.constraints.constraints(formats));
  if (f.frontier) return print_frontier(session, allocator);
  LQ_CHECK(f.bits > 0.0 || !f.memory.empty(), kInvalidArgument,
           "allocate needs --bits B, --memory M or --frontier");
  const Allocation a = allocator.solve(f.bits > 0.0 ? f.bits : bits_of_memory(session, f, table, allocator));
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
  if (!f.out.empty()) write_allocation(f.out, a);
  session.write_json(allocation_to_json(a));
}

}  // namespace

void add_allocate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<AllocateFlags>();
  auto* verb = app.add_subcommand(
      "allocate", "Choose the configuration of every matrix under a budget, by integer programme");
  verb->footer("Example: lqlora allocate table.json --bits 2.75 -o allocation.json");
  verb->add_option("TABLE", flags->table, "Error table (.json or .json.gz)")->required();
  auto* bits = verb->add_option("--bits", flags->bits, "Budget in bits per weight, on average")
                   ->check(CLI::PositiveNumber);
  verb->add_flag("--frontier", flags->frontier, "The best error for every budget from 2.2 to 8.2 bits")
      ->excludes(bits);
  verb->add_option("-o,--out", flags->out, "Write the allocation to this file");
  verb->add_option("--memory", flags->memory,
                   "Budget for the whole model while its low-rank part is fine-tuned, such as 6GiB")
      ->excludes(bits);
  verb->add_option("--model", flags->model, "For --memory: the dense model that the table is of");
  verb->add_option("--memory-tokens", flags->memory_tokens, "For --memory: tokens of a training step")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  flags->constraints.add_to(*verb);
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli

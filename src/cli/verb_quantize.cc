#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/byte_size.h"
#include "base/process.h"
#include "cli/app.h"
#include "cli/plan_flags.h"
#include "cli/table.h"
#include "jobs/quantize_model.h"

namespace lq::cli {
namespace {

struct QuantizeFlags {
  std::string model, out, config, method = "lq", max_shard = "5GB";
  int nf = 0;
  RankFlags rank;
  double alpha = 0.0;
  int iterations = 0;
  std::vector<std::string> include, exclude;
  bool overwrite = false;
  double bits = 0.0;
  std::string memory, table, allocation;
  std::vector<std::string> configs;
  WeightsFlags weights;
  QuantizerFlags quantizer;
  ConstraintFlags constraints;
};

BudgetOptions budget_of(const QuantizeFlags& f) {
  BudgetOptions b;
  b.bits = f.bits;
  if (!f.memory.empty()) b.memory = parse_byte_size(f.memory, "memory");
  b.table = f.table;
  b.allocation = f.allocation;
  LQ_CHECK(
      !b.given() || (f.nf == 0 && f.config.empty()), kInvalidArgument,
      "--nf and --config make every matrix the same; --bits, --memory and --allocation choose for each: give "
      "one or the other");
  LQ_CHECK(b.given() || (b.table.empty() && f.configs.empty()), kInvalidArgument,
           "--table and --configs serve a budget: give --bits or --memory as well");
  return b;
}

// The choice that every matrix gets without a budget.
QuantChoice uniform_choice(const QuantizeFlags& f, const FormatSet& formats) {
  if (f.config.empty()) return formats.uniform(f.nf == 0 ? 4 : f.nf);
  const QuantChoice choice = formats.choice_of(f.config, "--config");
  LQ_CHECK(formats.contains(choice.format), kInvalidArgument,
           "--config {} is of format {}, but --format is {}", f.config, choice.format, formats.text());
  return choice;
}

QuantizeOptions options_of(const QuantizeFlags& f) {
  QuantizeOptions o;
  o.model = f.model;
  o.out = f.out;
  o.selection = {f.include, f.exclude};
  LQ_CHECK(f.nf == 0 || f.config.empty(), kInvalidArgument, "--nf and --config exclude each other");
  o.budget = budget_of(f);
  o.decompose.method = parse_decompose_method(f.method);
  o.rank_choices = f.rank.apply(o.decompose);
  MethodChoices choices = method_choices(o.decompose.method, !o.budget.given(), f.weights, f.quantizer);
  const std::string named = f.config.substr(0, f.config.find_first_of(" ,"));
  if (choices.formats.empty() && find_quant_format(named) != nullptr) choices.formats = {named};
  const MethodSettings settings = settle(choices);
  o.weights = settings.weights;
  o.formats = settings.formats;
  o.quantizer = settings.quantizer;
  o.choice = uniform_choice(f, o.formats);
  o.budget.configs = parse_choices(f.configs, o.formats);
  o.budget.constraints = f.constraints.constraints(o.formats);
  if (f.iterations > 0) o.decompose.max_iterations = f.iterations;
  o.alpha = f.alpha;
  o.calibration = f.weights.source();
  o.max_shard_bytes = static_cast<std::uint64_t>(parse_byte_size(f.max_shard, "max-shard"));
  o.overwrite = f.overwrite;
  return o;
}

std::string short_name(const std::string& name) {
  constexpr std::string_view kPrefix = "model.";
  constexpr std::string_view kSuffix = ".weight";
  std::string s = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
  if (s.ends_with(kSuffix)) s.resize(s.size() - kSuffix.size());
  return s;
}

void print_report(Session& session, const QuantizeReport& report, const std::filesystem::path& out) {
  std::vector<std::vector<std::string>> rows;
  for (const MatrixReport& m : report.matrices) {
    rows.push_back({short_name(m.name), fmt::format("{}x{}", m.rows, m.cols), m.choice,
                    std::to_string(m.rank), fmt::format("{:.4f}", m.relative_error),
                    std::to_string(m.iterations), fmt::format("{:.2f}", m.seconds)});
  }
  session.print(
      format_table({"matrix", "shape", "config", "rank", "error", "iterations", "seconds"}, rows, {0, 2}));
  session.print(fmt::format(
      "\n{} matrices, {:.3f} bits per weight ({:.3f} with the low-rank part), relative error {:.5f}\n"
      "{} in {}{}, peak memory {}\n",
      report.matrices.size(), report.bits_per_weight(), report.bits_per_weight_with_low_rank(),
      report.relative_error(), human_bytes(static_cast<double>(report.output_bytes)), out.string(),
      report.already_done ? " (finished before; nothing was computed)" : ", " + human_seconds(report.seconds),
      human_bytes(static_cast<double>(report.peak_rss_bytes))));
}

void run(Session& session, const QuantizeFlags& flags) {
  const QuantizeOptions options = options_of(flags);
  const CheckpointPtr model = Checkpoint::open(options.model);
  const QuantizeNeed need = quantize_need(*model, options, session.context().pool.threads());
  session.note(fmt::format(
      "quantize: {} matrices, {:.1f} M weights; needs about {} of memory and {} of disk ({} when done)",
      need.matrices, static_cast<double>(need.weights) / 1e6,
      human_bytes(static_cast<double>(need.memory_bytes)), human_bytes(static_cast<double>(need.disk_bytes)),
      human_bytes(static_cast<double>(need.output_bytes))));
  const QuantizeReport report = quantize_model(session.context(), model, options);
  print_report(session, report, options.out);
  session.write_json(to_json(report));
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  auto flags = std::make_shared<QuantizeFlags>();
  auto* verb =
      app.add_subcommand("quantize", "Split every linear of a model into packed Q plus low-rank L1 L2");
  verb->footer("Example: lqlora quantize examples/models/quill --nf 3 --rank 8 -o quill-nf3");
  verb->add_option("MODEL", flags->model, "Hugging Face model directory")->required();
  verb->add_option("-o,--out", flags->out, "Directory to write")->required();
  verb->add_option("--nf", flags->nf,
                   "Every matrix alike, codes of this many bits: (B,8,fp32,64,256); default 4")
      ->check(CLI::IsMember({2, 3, 4, 8}));
  verb->add_option(
      "--config", flags->config,
      "Every matrix alike: b,b0,b1,B0,B1 such as 3,8,fp32,64,256, or FORMAT,... such as int-row,4");
  verb->add_option("--bits", flags->bits,
                   "Mixed configurations, chosen by integer programme: this many bits per weight on average")
      ->check(CLI::PositiveNumber);
  verb->add_option(
      "--memory", flags->memory,
      "The same, so that fine-tuning the low-rank part fits into this much memory, such as 6GiB");
  verb->add_option("--table", flags->table, "Error table made by lqlora sweep, instead of sweeping");
  verb->add_option("--allocation", flags->allocation,
                   "Allocation made by lqlora allocate, instead of --bits");
  verb->add_option("--configs", flags->configs,
                   "Choose among these: lean (good ones: 66 of a codebook), all (432), or b,b0,b1,B0,B1 or "
                   "int-row,B each; "
                   "default: lean");
  flags->constraints.add_to(*verb);
  flags->weights.add_to(*verb);
  flags->quantizer.add_to(*verb);
  flags->rank.add_to(*verb);
  verb->add_option("--method", flags->method,
                   "lq: alternate until the error stops falling; loftq; lorc; qlora: Q alone; gptq: Q alone, "
                   "with error "
                   "feedback in groups of 128 columns")
      ->check(CLI::IsMember({"lq", "loftq", "lorc", "qlora", "gptq"}))
      ->capture_default_str();
  verb->add_option("--iterations", flags->iterations,
                   "At most this many alternations (default: 100 for lq, 5 for loftq)")
      ->check(CLI::Range(1, 10000));
  verb->add_option("--alpha", flags->alpha, "lora_alpha of the adapter; default: the rank, a scaling of 1")
      ->check(CLI::PositiveNumber);
  verb->add_option("--include", flags->include, "Quantize only tensors that match this glob (repeatable)");
  verb->add_option("--exclude", flags->exclude, "Leave tensors that match this glob dense (repeatable)");
  verb->add_option("--max-shard", flags->max_shard, "Cut the weights into files of at most this size")
      ->capture_default_str();
  verb->add_flag("--overwrite", flags->overwrite, "Discard an output of lqlora that another command made");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli

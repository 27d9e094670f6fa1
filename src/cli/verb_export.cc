#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/byte_size.h"
#include "base/error.h"
#include "base/process.h"
#include "cli/app.h"
#include "export/hf_export.h"
#include "export/peft_export.h"

namespace lq::cli {
namespace {

struct ExportFlags {
  std::string model, adapter, base, format, out, dtype = "source", max_shard = "5GB";
  bool keep_adapter = false, without_adapter = false, overwrite = false;
};

void run_peft(Session& session, const ExportFlags& f) {
  LQ_CHECK(!f.adapter.empty(), kInvalidArgument,
           "--format peft: the adapter that was fine-tuned on {} is expected (--adapter)", f.model);
  PeftExportOptions o;
  o.model = f.model;
  o.adapter = f.adapter;
  o.base = f.base;
  o.out = f.out;
  o.overwrite = f.overwrite;
  const PeftExportReport report = export_peft(session.context(), o);
  std::string text = fmt::format("{} modules, rank up to {}, {} in {}{}: for the dense model", report.modules,
                                 report.rank, human_bytes(static_cast<double>(report.output_bytes)), f.out,
                                 report.already_done ? " (finished before)" : "");
  if (report.distance) {
    text += fmt::format(", whose matrices differ by {:.4f} (relative) from the decomposition's",
                        *report.distance);
  }
  session.print(text + "\n");
  session.write_json(to_json(report));
}

void run(Session& session, const ExportFlags& f) {
  if (f.format == "peft") return run_peft(session, f);
  LQ_CHECK(f.base.empty(), kInvalidArgument, "--base goes with --format peft");
  HfExportOptions o;
  o.model = f.model;
  o.out = f.out;
  if (!f.adapter.empty()) o.adapter = f.adapter;
  o.keep_adapter = f.keep_adapter;
  o.without_adapter = f.without_adapter;
  o.max_shard_bytes = static_cast<std::uint64_t>(parse_byte_size(f.max_shard, "max-shard"));
  o.overwrite = f.overwrite;
  if (f.dtype == "f32") o.dtype = DType::kF32;
  if (f.dtype == "bf16") o.dtype = DType::kBf16;
  if (f.dtype == "f16") o.dtype = DType::kF16;
  const HfExportReport report = export_hf(session.context(), o);
  session.print(
      fmt::format("{} matrices ({} with a low-rank part {}), {} in {}{}; rounding to the written type "
                  "changed them by {:.2e}\n",
                  report.matrices, report.adapted, f.keep_adapter ? "beside them" : "merged",
                  human_bytes(static_cast<double>(report.output_bytes)), f.out,
                  report.already_done ? " (finished before)" : "", report.rounding_error));
  session.write_json(to_json(report));
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ExportFlags>();
  auto* verb = app.add_subcommand("export", "Write a packed model for other programs");
  verb->footer("Example: lqlora export quill-nf3 --format hf -o quill-nf3-hf");
  verb->add_option("MODEL", flags->model, "Packed model directory, or a .gguf file (--format hf)")
      ->required();
  verb->add_option("-o,--out", flags->out, "Directory to write")->required();
  verb->add_option("--format", flags->format,
                   "hf: a dense Hugging Face directory; peft: a fine-tuned adapter as a plain LoRA for the "
                   "dense model "
                   "that was packed (of rank r + the decomposition's)")
      ->required()
      ->check(CLI::IsMember({"hf", "peft"}));
  verb->add_option("--base", flags->base,
                   "With peft: the dense model that was packed, to be checked and named in the adapter");
  verb->add_option("--adapter", flags->adapter, "Low-rank part (default: MODEL/adapter where there is one)");
  auto* keep = verb->add_flag("--keep-adapter", flags->keep_adapter,
                              "Write Q dense and the low-rank part as a PEFT adapter beside it");
  verb->add_flag("--without-adapter", flags->without_adapter, "Write Q alone")->excludes(keep);
  verb->add_option("--dtype", flags->dtype, "Type of the written matrices: source, f32, bf16 or f16")
      ->check(CLI::IsMember({"source", "f32", "bf16", "f16"}))
      ->capture_default_str();
  verb->add_option("--max-shard", flags->max_shard, "Cut the weights into files of at most this size")
      ->capture_default_str();
  verb->add_flag("--overwrite", flags->overwrite, "Discard an output of lqlora that another command made");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli

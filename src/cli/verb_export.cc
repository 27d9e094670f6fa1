#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "export/export_options.h"

namespace lq::cli {
namespace {

void run_peft(Session& session, const PeftExportOptions& o) {
  const PeftExportReport report = export_peft(session.context(), o);
  std::string text = fmt::format("{} modules, rank up to {}, {} in {}{}: for the dense model", report.modules,
                                 report.rank, human_bytes(static_cast<double>(report.output_bytes)),
                                 o.out.string(), report.already_done ? " (finished before)" : "");
  if (report.distance) {
    text += fmt::format(", whose matrices differ by {:.4f} (relative) from the decomposition's",
                        *report.distance);
  }
  session.print(text + "\n");
  session.write_json(to_json(report));
}

void run_hf(Session& session, const HfExportOptions& o) {
  const HfExportReport report = export_hf(session.context(), o);
  session.print(
      fmt::format("{} matrices ({} with a low-rank part {}), {} in {}{}; rounding to the written type "
                  "changed them by {:.2e}\n",
                  report.matrices, report.adapted, o.keep_adapter ? "beside them" : "merged",
                  human_bytes(static_cast<double>(report.output_bytes)), o.out.string(),
                  report.already_done ? " (finished before)" : "", report.rounding_error));
  session.write_json(to_json(report));
}

void run_gguf(Session& session, const GgufExportOptions& o) {
  const GgufExportReport report = export_gguf(session.context(), o);
  session.print(
      fmt::format("{} tensors ({} merged with a low-rank part), {} in {}; rounding to the written "
                  "types changed them by {:.2e}\n",
                  report.tensors, report.adapted, human_bytes(static_cast<double>(report.output_bytes)),
                  o.out.string(), report.rounding_error));
  session.write_json(to_json(report));
}

void run_gguf_lora(Session& session, const GgufLoraOptions& o) {
  const GgufLoraReport report = export_gguf_lora(session.context(), o);
  session.print(fmt::format("{} modules, rank up to {}, {} in {}: for llama.cpp's --lora\n", report.modules,
                            report.rank, human_bytes(static_cast<double>(report.output_bytes)),
                            o.out.string()));
  session.write_json(to_json(report));
}

void run(Session& session, const ExportOptions& o, const GivenOptions& given) {
  switch (o.format) {
    case ExportFormat::kHf:
      return run_hf(session, hf_options(o, given));
    case ExportFormat::kPeft:
      return run_peft(session, peft_options(o, given));
    case ExportFormat::kGguf:
      return run_gguf(session, gguf_options(o, given));
    case ExportFormat::kGgufLora:
      return run_gguf_lora(session, gguf_lora_options(o, given));
  }
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto options = std::make_shared<ExportOptions>();
  auto* verb = app.add_subcommand("export", "Write a model or an adapter for other programs");
  verb->footer("Example: lqlora export quill-nf3 --format hf -o quill-nf3-hf");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback([options, given, &action] {
    action = [options, given](Session& session) { run(session, *options, *given); };
  });
}

}  // namespace lq::cli

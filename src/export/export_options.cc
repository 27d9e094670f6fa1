#include "export/export_options.h"

#include "base/option_error.h"
#include "base/version.h"
#include "files/options/job_identity.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

constexpr EnumName<ExportFormat> kExportFormats[] = {{ExportFormat::kHf, "hf"},
                                                     {ExportFormat::kPeft, "peft"}};
constexpr EnumName<DType> kMatrixTypes[] = {
    {DType::kF32, "f32"}, {DType::kBf16, "bf16"}, {DType::kF16, "f16"}};
constexpr const char* kSourceType = "source";

OptionValuePtr matrix_type(std::optional<DType>& field) {
  std::vector<std::string> names = enum_list(kMatrixTypes);
  names.insert(names.begin(), kSourceType);
  return identity_by(named(
                         names,
                         [&field] {
                           return field ? std::string(enum_name(kMatrixTypes, *field))
                                        : std::string(kSourceType);
                         },
                         [&field](const std::string& name) { field = enum_find(kMatrixTypes, name); }),
                     [&field] { return nlohmann::json(field ? dtype_name(*field) : kSourceType); });
}

// Refuses what was given and goes with the other format.
void refuse_given(const GivenOptions& given, std::initializer_list<const char*> keys,
                  std::string_view format) {
  for (const char* key : keys) check_option(!given(key), key, "goes with `format` {}", format);
}

}  // namespace

void describe(OptionVisitor& v, HfExportOptions& o) {
  v.option({.key = "model",
            .help = "Packed model directory, or a .gguf file (`format` hf)",
            .position = "MODEL",
            .required = true,
            .identified_by = "/model_hash"},
           path(o.model));
  v.option(
      {.key = "out", .help = "Directory to write", .letter = "o", .required = true, .changes_result = false},
      path(o.out));
  v.option({.key = "adapter",
            .help = "Low-rank part (default: MODEL/adapter where there is one)",
            .identified_by = "/adapter_hash"},
           path(o.adapter));
  v.option({.key = "keep-adapter", .help = "Write Q dense and the low-rank part as a PEFT adapter beside it"},
           flag(o.keep_adapter));
  v.option({.key = "without-adapter",
            .help = "Write Q alone",
            .excludes = {"keep-adapter"},
            .identified_by = "/adapter_hash"},
           flag(o.without_adapter));
  v.option({.key = "dtype", .help = "Type of the written matrices: source, f32, bf16 or f16"},
           matrix_type(o.dtype));
  v.option({.key = "max-shard",
            .help = "Cut the weights into files of at most this size",
            .identity = "/max_shard_bytes"},
           bytes(o.max_shard_bytes));
  v.option({.key = "overwrite",
            .help = "Discard an output of lqlora that another command made",
            .changes_result = false},
           flag(o.overwrite));
}

void describe(OptionVisitor& v, ExportOptions& o) {
  v.option({.key = "format",
            .help = "hf: a dense Hugging Face directory; peft: a fine-tuned adapter as a plain LoRA for the "
                    "dense model that was packed (of rank r + the decomposition's)",
            .required = true},
           name(o.format, kExportFormats));
  v.option({.key = "base",
            .help = "With peft: the dense model that was packed, to be checked and named in the adapter"},
           path(o.base));
  describe(v, o.hf);
}

PeftExportOptions peft_options(const ExportOptions& o, const GivenOptions& given) {
  refuse_given(given, {"keep-adapter", "without-adapter", "dtype", "max-shard"}, "hf");
  check_option(o.hf.adapter.has_value(), "format",
               "peft: the adapter that was fine-tuned on {} is expected (`adapter`)", o.hf.model.string());
  return {.model = o.hf.model,
          .adapter = *o.hf.adapter,
          .base = o.base,
          .out = o.hf.out,
          .overwrite = o.hf.overwrite};
}

HfExportOptions hf_options(const ExportOptions& o, const GivenOptions& given) {
  refuse_given(given, {"base"}, "peft");
  return o.hf;
}

nlohmann::json job_identity(const HfExportOptions& options, const std::string& model_hash,
                            const nlohmann::json& adapter_hash) {
  HfExportOptions o = options;
  return with_identity({{"verb", "export"},
                        {"version", kVersion},
                        {"format", "hf"},
                        {"model_hash", model_hash},
                        {"adapter_hash", adapter_hash}},
                       [&o](OptionVisitor& v) { describe(v, o); });
}

}  // namespace lq

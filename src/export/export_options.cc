#include "export/export_options.h"

#include "base/option_error.h"
#include "base/version.h"
#include "files/options/job_identity.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

constexpr EnumName<ExportFormat> kExportFormats[] = {{ExportFormat::kHf, "hf"},
                                                     {ExportFormat::kPeft, "peft"},
                                                     {ExportFormat::kGguf, "gguf"},
                                                     {ExportFormat::kGgufLora, "gguf-lora"}};
constexpr EnumName<DType> kMatrixTypes[] = {
    {DType::kF32, "f32"}, {DType::kBf16, "bf16"}, {DType::kF16, "f16"}};
constexpr EnumName<ggml::GgmlType> kGgufTypes[] = {{ggml::GgmlType::kF32, "f32"},
                                                   {ggml::GgmlType::kF16, "f16"},
                                                   {ggml::GgmlType::kBf16, "bf16"},
                                                   {ggml::GgmlType::kQ8_0, "q8_0"}};
constexpr const char* kSourceType = "source";

// One of the table's, or what the source has.
template <typename T, std::size_t N>
OptionValuePtr type_or_source(std::optional<T>& field, const EnumName<T> (&table)[N]) {
  std::vector<std::string> names = enum_list(table);
  names.insert(names.begin(), kSourceType);
  return named(
      names,
      [&field, &table] { return field ? std::string(enum_name(table, *field)) : std::string(kSourceType); },
      [&field, &table](const std::string& name) { field = enum_find(table, name); });
}

OptionValuePtr matrix_type(std::optional<DType>& field) {
  return identity_by(type_or_source(field, kMatrixTypes),
                     [&field] { return nlohmann::json(field ? dtype_name(*field) : kSourceType); });
}

// Refuses what was given and goes with another format.
void refuse_given(const GivenOptions& given, std::initializer_list<const char*> keys,
                  std::string_view format) {
  for (const char* key : keys) check_option(!given(key), key, "goes with `format` {}", format);
}

}  // namespace

void describe(OptionVisitor& v, HfExportOptions& o) {
  v.option(
      {.key = "model",
       .help = "Packed model directory, or a .gguf file (`format` hf); with gguf and gguf-lora any model",
       .position = "MODEL",
       .required = true,
       .identified_by = "/model_hash"},
      path(o.model));
  v.option({.key = "out",
            .help = "Directory to write; with gguf and gguf-lora the file",
            .letter = "o",
            .required = true,
            .changes_result = false},
           path(o.out));
  v.option({.key = "adapter",
            .help = "Low-rank part (default: MODEL/adapter where there is one)",
            .identified_by = "/adapter_hash"},
           path(o.adapter));
  v.option({.key = "keep-adapter", .help = "Write Q dense and the low-rank part as a PEFT adapter beside it"},
           flag(o.keep_adapter));
  v.option({.key = "without-adapter",
            .help = "Write Q alone",
            .excludes = {"keep-adapter", "adapter"},
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
  v.option(
      {.key = "format",
       .help = "hf: a dense Hugging Face directory; peft: a fine-tuned adapter as a plain LoRA for the "
               "dense model that was packed (of rank r + the decomposition's); gguf: one file for llama.cpp, "
               "everything merged; gguf-lora: the low-rank part alone as such a file",
       .required = true},
      name(o.format, kExportFormats));
  v.option(
      {.key = "type",
       .help = "With gguf and gguf-lora: type of the matrices: source (of gguf-lora: f32), f32, f16, bf16 or "
               "q8_0"},
      type_or_source(o.type, kGgufTypes));
  v.option(
      {.key = "pre-tokenizer",
       .help = "With gguf: llama.cpp's name of how words are cut, such as llama-bpe, where it is not found"},
      text(o.pre_tokenizer));
  v.option({.key = "base",
            .help = "With peft: the dense model that was packed, to be checked and named in the adapter"},
           path(o.base));
  describe(v, o.hf);
}

PeftExportOptions peft_options(const ExportOptions& o, const GivenOptions& given) {
  refuse_given(given, {"keep-adapter", "dtype", "max-shard"}, "hf");
  refuse_given(given, {"without-adapter"}, "hf or gguf");
  refuse_given(given, {"type"}, "gguf or gguf-lora");
  refuse_given(given, {"pre-tokenizer"}, "gguf");
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
  refuse_given(given, {"type"}, "gguf or gguf-lora");
  refuse_given(given, {"pre-tokenizer"}, "gguf");
  return o.hf;
}

GgufExportOptions gguf_options(const ExportOptions& o, const GivenOptions& given) {
  refuse_given(given, {"base"}, "peft");
  refuse_given(given, {"keep-adapter", "dtype", "max-shard"}, "hf");
  return {.model = o.hf.model,
          .adapter = o.hf.adapter,
          .without_adapter = o.hf.without_adapter,
          .types = {.matrices = o.type, .tables = {}},
          .pre_tokenizer = o.pre_tokenizer,
          .out = o.hf.out};
}

GgufLoraOptions gguf_lora_options(const ExportOptions& o, const GivenOptions& given) {
  refuse_given(given, {"base"}, "peft");
  refuse_given(given, {"keep-adapter", "dtype", "max-shard"}, "hf");
  refuse_given(given, {"without-adapter"}, "hf or gguf");
  refuse_given(given, {"pre-tokenizer"}, "gguf");
  GgufLoraOptions lora = {.model = o.hf.model, .adapter = {}, .out = o.hf.out};
  lora.adapter = o.hf.adapter.value_or(o.hf.model / "adapter");
  if (o.type) lora.type = *o.type;
  check_option(o.hf.adapter || std::filesystem::exists(lora.adapter), "format",
               "gguf-lora: {} has no adapter of its own; name one by `adapter`", o.hf.model.string());
  return lora;
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

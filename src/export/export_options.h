// The options of export, described (files/options/option.h): read by the command line and for the job's
// identity.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "export/gguf_export.h"
#include "export/gguf_lora.h"
#include "export/hf_export.h"
#include "export/peft_export.h"
#include "files/options/option.h"

namespace lq {

enum class ExportFormat : std::uint8_t { kHf, kPeft, kGguf, kGgufLora };

// What a user says of any of them.
struct ExportOptions {
  ExportFormat format = ExportFormat::kHf;
  HfExportOptions hf = {};
  std::filesystem::path base = {};          // of kPeft
  std::optional<ggml::GgmlType> type = {};  // of kGguf and kGgufLora
  std::string pre_tokenizer = {};           // of kGguf
};

void describe(OptionVisitor& v, HfExportOptions& o);
void describe(OptionVisitor& v, ExportOptions& o);

// The options of a plain LoRA. Throws OptionError for an option that only a Hugging Face directory has, and
// without an adapter.
PeftExportOptions peft_options(const ExportOptions& o, const GivenOptions& given);
// Those of a Hugging Face directory. Throws OptionError for an option that only a plain LoRA has.
HfExportOptions hf_options(const ExportOptions& o, const GivenOptions& given);
// Those of a GGUF file, and of a low-rank part as one. Throw OptionError for an option that only the others
// have; the latter without an adapter.
GgufExportOptions gguf_options(const ExportOptions& o, const GivenOptions& given);
GgufLoraOptions gguf_lora_options(const ExportOptions& o, const GivenOptions& given);

// All that the result depends on. model_hash: of the base that was packed; adapter_hash: of the low-rank
// part, null where there is none.
nlohmann::json job_identity(const HfExportOptions& options, const std::string& model_hash,
                            const nlohmann::json& adapter_hash);

}  // namespace lq

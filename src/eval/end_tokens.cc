#include "eval/end_tokens.h"

namespace lq {

std::vector<std::int32_t> end_tokens(const GenerationConfig& file, const ModelSpec& spec,
                                     const Tokenizer& tokenizer) {
  if (!file.eos.empty()) return file.eos;
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : spec.eos) ids.push_back(static_cast<std::int32_t>(id));
  if (tokenizer.eos_id()) ids.push_back(*tokenizer.eos_id());
  return ids;
}

}  // namespace lq

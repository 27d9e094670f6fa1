// Which tokens go before and after a text: the `post_processor` of tokenizer.json, for a single sequence.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lq::tokenizers {

struct PostProcessor {
  std::vector<std::int32_t> before, after;
};

// spec: TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (adds nothing), Sequence; null adds
// nothing. Throws kUnsupported, kCorruptFile; who names the file.
PostProcessor make_post_processor(const nlohmann::json& spec, const std::string& who);

}  // namespace lq::tokenizers

// Which tokens go before and after a text, and between two: the `post_processor` of tokenizer.json.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tokenizers/text_pair.h"

namespace lq::tokenizers {

struct PostProcessor {
  std::vector<std::int32_t> before, after;  // of one text
  std::vector<TextPart> pair = {};          // of two; empty where the file does not say
};

// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with B and its end of type 1.
PostProcessor bert_post_processor(std::int32_t cls, std::int32_t sep);
// <s> A </s>, and <s> A </s></s> B </s>, all of type 0.
PostProcessor roberta_post_processor(std::int32_t cls, std::int32_t sep);

// spec: TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (adds nothing), Sequence; null adds
// nothing. Throws kUnsupported, kCorruptFile; who names the file.
PostProcessor make_post_processor(const nlohmann::json& spec, const std::string& who);

}  // namespace lq::tokenizers

#include "tokenizers/class_settings.h"

#include <nlohmann/json.hpp>

#include "tokenizers/tokenizer_files.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::json;

// Calls visit(step) for a part that is no sequence, and for each step of one that is; visit says whether the
// step stays. list: the name under which a sequence keeps its steps.
template <typename Visit>
void for_each_step(Json& part, const char* list, const Visit& visit, int depth = 0) {
  if (!part.is_object() || depth >= kMaxSequenceDepth) return;  // what is deeper is refused where it is read
  const auto steps = part.find(list);
  if (steps == part.end() || !steps->is_array()) {
    if (!visit(part)) part = nullptr;
    return;
  }
  Json kept = Json::array();
  for (Json& step : *steps) {
    for_each_step(step, list, visit, depth + 1);
    if (!step.is_null()) kept.push_back(std::move(step));
  }
  *steps = std::move(kept);
}

bool is(const Json& step, const char* type) {
  const auto it = step.find("type");
  return it != step.end() && *it == type;
}

bool has_byte_level(Json& root) {
  bool found = false;
  for_each_step(root["pre_tokenizer"], "pretokenizers", [&](Json& step) {
    found = found || is(step, "ByteLevel");
    return true;
  });
  return found;
}

void set_byte_level(Json& root, bool prefix) {
  for_each_step(root["pre_tokenizer"], "pretokenizers", [&](Json& step) {
    if (is(step, "ByteLevel")) step["add_prefix_space"] = prefix;
    return true;
  });
}

// As LlamaTokenizer builds them, whatever the file has.
void set_metaspace(Json& root, bool prefix, bool legacy) {
  const char* const scheme = !prefix ? "never" : legacy ? "always" : "first";
  for_each_step(root["pre_tokenizer"], "pretokenizers", [&](Json& step) {
    if (is(step, "Metaspace")) step["prepend_scheme"] = scheme;
    return true;
  });
  for_each_step(root["normalizer"], "normalizers",
                [&](Json& step) { return prefix || !is(step, "Prepend"); });
  bool strips = false;
  for_each_step(root["decoder"], "decoders", [&](Json& step) {
    if (is(step, "Metaspace")) step["prepend_scheme"] = scheme;
    strips = strips || is(step, "Metaspace") || is(step, "Strip");
    return prefix || !is(step, "Strip");
  });
  Json& decoder = root["decoder"];
  if (prefix && !strips && is(decoder, "Sequence")) {
    decoder["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
}

// What tokenizer_config.json says itself goes before the file's.
void set_bert_normalizer(Json& root, const TokenizerConfig& config) {
  for_each_step(root["normalizer"], "normalizers", [&](Json& step) {
    if (!is(step, "BertNormalizer")) return true;
    if (config.lower_case) step["lowercase"] = *config.lower_case;
    if (config.cjk_characters) step["handle_chinese_chars"] = *config.cjk_characters;
    if (config.strip_accents) step["strip_accents"] = *config.strip_accents;
    return true;
  });
}

}  // namespace

void apply_class_settings(Json& root, const TokenizerConfig& config) {
  if (!root.is_object()) return;
  const std::string& name = config.tokenizer_class;
  const bool bytes = has_byte_level(root);
  if (config.model_type == "mistral") return;  // whatever the class's name is, the file decides there
  if (name == "LlamaTokenizer" && !bytes) {
    set_metaspace(root, config.add_prefix_space.value_or(true), config.legacy.value_or(false));
    Json& model = root["model"];
    if (model.is_object() && is(model, "BPE")) {
      model["unk_token"] = nullptr;
      model["byte_fallback"] = true;
    }
  } else if (bytes && (name == "GPT2Tokenizer" || name == "Qwen2Tokenizer" || name == "RobertaTokenizer" ||
                       name == "BartTokenizer")) {
    set_byte_level(root, config.add_prefix_space.value_or(false));
  } else if (name == "BertTokenizer" || name == "DistilBertTokenizer" ||
             (name.empty() && (config.model_type == "bert" || config.model_type == "distilbert"))) {
    set_bert_normalizer(root, config);
  }
}

}  // namespace lq::tokenizers

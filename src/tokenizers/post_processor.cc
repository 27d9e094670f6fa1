#include "tokenizers/post_processor.h"

#include "base/error.h"
#include "tokenizers/json_fields.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::json;

std::int32_t checked_id(const Json& value, const std::string& who) {
  LQ_CHECK(value.is_number_integer() && value >= 0 && value <= INT32_MAX, kCorruptFile,
           "{}: a token id should be a whole number, is {}", who, value.dump());
  return value.get<std::int32_t>();
}

// Ids of a template's special token: one or several.
std::vector<std::int32_t> template_ids(const Json& spec, const Json& item, const std::string& who) {
  const std::string name = required_string(required(item, "SpecialToken", who), "id", who);
  const Json& token = required(required(spec, "special_tokens", who), name.c_str(), who);
  const Json& ids = required(token, "ids", who);
  LQ_CHECK(ids.is_array(), kCorruptFile, "{}: the ids of '{}' should be a list", who, name);
  std::vector<std::int32_t> out;
  for (const Json& id : ids) out.push_back(checked_id(id, who));
  return out;
}

std::int32_t type_id(const Json& part, const std::string& who) {
  return part.contains("type_id") ? checked_id(part["type_id"], who) : 0;
}

std::vector<TextPart> pair_template(const Json& spec, const std::string& who) {
  std::vector<TextPart> parts;
  const Json pair = spec.value("pair", Json());
  if (pair.is_null()) return parts;
  LQ_CHECK(pair.is_array(), kCorruptFile, "{}: 'pair' should be a list", who);
  int sequences = 0;
  for (const Json& item : pair) {
    if (item.is_object() && item.contains("Sequence")) {
      const std::string name = required_string(item["Sequence"], "id", who);
      const bool known = name == (sequences == 0 ? "A" : "B");
      LQ_CHECK(known && sequences < 2, kUnsupported, "{}: a template for two texts other than A ... B", who);
      parts.push_back({sequences++, -1, type_id(item["Sequence"], who)});
      continue;
    }
    for (const std::int32_t id : template_ids(spec, item, who)) {
      parts.push_back({-1, id, type_id(item["SpecialToken"], who)});
    }
  }
  LQ_CHECK(sequences == 2, kUnsupported, "{}: a template for two texts with {} of them", who, sequences);
  return parts;
}

PostProcessor from_template(const Json& spec, const std::string& who) {
  PostProcessor out;
  const Json& single = required(spec, "single", who);
  LQ_CHECK(single.is_array(), kCorruptFile, "{}: 'single' should be a list", who);
  int sequences = 0;
  for (const Json& item : single) {
    if (item.is_object() && item.contains("Sequence")) {
      ++sequences;
      continue;
    }
    for (const std::int32_t id : template_ids(spec, item, who)) {
      (sequences > 0 ? out.after : out.before).push_back(id);
    }
  }
  LQ_CHECK(sequences == 1, kUnsupported, "{}: a template with {} sequences (expected 1)", who, sequences);
  out.pair = pair_template(spec, who);
  return out;
}

// "sep": ["</s>", 2], "cls": ["<s>", 0]
std::int32_t pair_id(const Json& spec, const char* key, const std::string& who) {
  const Json& pair = required(spec, key, who);
  LQ_CHECK(pair.is_array() && pair.size() == 2, kCorruptFile, "{}: '{}' should be [token, id]", who, key);
  return checked_id(pair[1], who);
}

PostProcessor make_post_processor(const Json& spec, const std::string& who, int depth) {
  LQ_CHECK(depth < kMaxSequenceDepth, kCorruptFile, "{}: nested more than {} deep", who, kMaxSequenceDepth);
  const std::string type = required_string(spec, "type", who);
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") return from_template(spec, who);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const std::int32_t cls = pair_id(spec, "cls", who), sep = pair_id(spec, "sep", who);
    return type == "BertProcessing" ? bert_post_processor(cls, sep) : roberta_post_processor(cls, sep);
  }
  if (type == "Sequence") {
    const Json& list = required(spec, "processors", who);
    LQ_CHECK(list.is_array(), kCorruptFile, "{}: 'processors' should be a list", who);
    PostProcessor out;
    for (const Json& one : list) {
      const PostProcessor more =
          make_post_processor(one, who, depth + 1);  // each one wraps what the ones before made
      out.before.insert(out.before.begin(), more.before.begin(), more.before.end());
      out.after.insert(out.after.end(), more.after.begin(), more.after.end());
      LQ_CHECK(out.pair.empty() || more.pair.empty(), kUnsupported, "{}: two templates for two texts", who);
      if (!more.pair.empty()) out.pair = more.pair;
    }
    return out;
  }
  fail(ErrorCode::kUnsupported, "{}: post-processor of type '{}'", who, type);
}

}  // namespace

PostProcessor bert_post_processor(std::int32_t cls, std::int32_t sep) {
  return {{cls}, {sep}, {{-1, cls, 0}, {0, -1, 0}, {-1, sep, 0}, {1, -1, 1}, {-1, sep, 1}}};
}

PostProcessor roberta_post_processor(std::int32_t cls, std::int32_t sep) {
  return {{cls}, {sep}, {{-1, cls, 0}, {0, -1, 0}, {-1, sep, 0}, {-1, sep, 0}, {1, -1, 0}, {-1, sep, 0}}};
}

PostProcessor make_post_processor(const Json& spec, const std::string& who) {
  if (spec.is_null()) return {};
  return make_post_processor(spec, who + ": post_processor", 0);
}

}  // namespace lq::tokenizers

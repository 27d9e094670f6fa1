#include "tokenizers/post_processor.h"

#include "base/error.h"
#include "base/printable.h"
#include "files/json_object.h"
#include "tokenizers/tokenizer_files.h"

namespace lq::tokenizers {
namespace {

// Ids of a template's special token: one or several.
std::vector<std::int32_t> template_ids(const JsonObject& spec, const JsonObject& item) {
  const std::string name = item.section("SpecialToken").text("id");
  const JsonObject token = spec.section("special_tokens").section(name);
  LQ_CHECK(token.any("ids").is_array(), kCorruptFile, "{}: the ids of '{}' should be a list", spec.who(),
           name);
  std::vector<std::int32_t> out;
  for (const std::int64_t id : token.integers("ids", 0, INT32_MAX)) {
    out.push_back(static_cast<std::int32_t>(id));
  }
  return out;
}

std::int32_t type_id(const JsonObject& part) {
  return static_cast<std::int32_t>(part.integer_or("type_id", 0, 0, INT32_MAX));
}

std::vector<TextPart> pair_template(const JsonObject& spec) {
  std::vector<TextPart> parts;
  if (!spec.has("pair")) return parts;
  int sequences = 0;
  for (const JsonObject& item : spec.sections("pair")) {
    if (const auto sequence = item.section_if("Sequence")) {
      const std::string name = sequence->text("id");
      const bool known = name == (sequences == 0 ? "A" : "B");
      LQ_CHECK(known && sequences < 2, kUnsupported, "{}: a template for two texts other than A ... B",
               spec.who());
      parts.push_back({sequences++, -1, type_id(*sequence)});
      continue;
    }
    for (const std::int32_t id : template_ids(spec, item)) {
      parts.push_back({-1, id, type_id(item.section("SpecialToken"))});
    }
  }
  LQ_CHECK(sequences == 2, kUnsupported, "{}: a template for two texts with {} of them", spec.who(),
           sequences);
  return parts;
}

PostProcessor from_template(const JsonObject& spec) {
  PostProcessor out;
  int sequences = 0;
  for (const JsonObject& item : spec.required_sections("single")) {
    if (item.has("Sequence")) {
      ++sequences;
      continue;
    }
    for (const std::int32_t id : template_ids(spec, item)) {
      (sequences > 0 ? out.after : out.before).push_back(id);
    }
  }
  LQ_CHECK(sequences == 1, kUnsupported, "{}: a template with {} sequences (expected 1)", spec.who(),
           sequences);
  out.pair = pair_template(spec);
  return out;
}

// "sep": ["</s>", 2], "cls": ["<s>", 0]
std::int32_t pair_id(const JsonObject& spec, const char* key) {
  const nlohmann::ordered_json& pair = spec.any(key);
  LQ_CHECK(pair.is_array() && pair.size() == 2 && pair[1].is_number_integer() && pair[1] >= 0 &&
               pair[1] <= INT32_MAX,
           kCorruptFile, "{}: '{}' should be [token, id], is {}", spec.who(), key, printable(pair.dump()));
  return pair[1].get<std::int32_t>();
}

PostProcessor make_post_processor(const JsonObject& spec, int depth) {
  LQ_CHECK(depth < kMaxSequenceDepth, kCorruptFile, "{}: nested more than {} deep", spec.who(),
           kMaxSequenceDepth);
  const std::string type = spec.text("type");
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") return from_template(spec);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const std::int32_t cls = pair_id(spec, "cls"), sep = pair_id(spec, "sep");
    return type == "BertProcessing" ? bert_post_processor(cls, sep) : roberta_post_processor(cls, sep);
  }
  if (type == "Sequence") {
    PostProcessor out;
    for (const JsonObject& one : spec.required_sections("processors")) {
      const PostProcessor more =
          make_post_processor(one, depth + 1);  // each one wraps what the ones before made
      out.before.insert(out.before.begin(), more.before.begin(), more.before.end());
      out.after.insert(out.after.end(), more.after.begin(), more.after.end());
      LQ_CHECK(out.pair.empty() || more.pair.empty(), kUnsupported, "{}: two templates for two texts",
               spec.who());
      if (!more.pair.empty()) out.pair = more.pair;
    }
    return out;
  }
  fail(ErrorCode::kUnsupported, "{}: post-processor of type '{}'", spec.who(), type);
}

}  // namespace

PostProcessor bert_post_processor(std::int32_t cls, std::int32_t sep) {
  return {{cls}, {sep}, {{-1, cls, 0}, {0, -1, 0}, {-1, sep, 0}, {1, -1, 1}, {-1, sep, 1}}};
}

PostProcessor roberta_post_processor(std::int32_t cls, std::int32_t sep) {
  return {{cls}, {sep}, {{-1, cls, 0}, {0, -1, 0}, {-1, sep, 0}, {-1, sep, 0}, {1, -1, 0}, {-1, sep, 0}}};
}

PostProcessor make_post_processor(const nlohmann::json& spec, const std::string& who) {
  if (spec.is_null()) return {};
  return make_post_processor(JsonObject::record(spec, who + ": post_processor"), 0);
}

}  // namespace lq::tokenizers

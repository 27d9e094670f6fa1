#include "models/families/rope_keys.h"

#include "base/error.h"

namespace lq::families {
namespace {

RopeType rope_type(const JsonObject& section, const std::string& name) {
  if (name == "default") return RopeType::kDefault;
  if (name == "linear") return RopeType::kLinear;
  if (name == "dynamic") return RopeType::kDynamic;
  if (name == "llama3") return RopeType::kLlama3;
  if (name == "yarn") return RopeType::kYarn;
  if (name == "longrope") return RopeType::kLongRope;
  fail(ErrorCode::kUnsupported,
       "{}: rotary embedding of type \"{}\" is not computed (known: default, linear, dynamic, llama3, yarn, "
       "longrope)",
       section.who(), name);
}

void read_long_rope(const JsonObject& s, RopeConfig& rope) {
  rope.short_factor = s.numbers("short_factor", 1e-3, 1e6);
  rope.long_factor = s.numbers("long_factor", 1e-3, 1e6);
  LQ_CHECK(!rope.short_factor.empty() && rope.short_factor.size() == rope.long_factor.size(), kCorruptFile,
           "{}: longrope needs a short_factor and a long_factor for each frequency, but they have {} and {} "
           "numbers",
           s.who(), rope.short_factor.size(), rope.long_factor.size());
  const double usual = static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_positions);
  rope.factor = s.number_or("factor", usual, 1e-3, 1e6);
  rope.attention_factor = s.number_or(
      "attention_factor", long_rope_attention_factor(rope.factor, rope.original_positions), 1e-3, 1e3);
}

void read_yarn(const JsonObject& s, RopeConfig& rope) {
  rope.beta_fast = s.number_or("beta_fast", 32.0, 1e-3, 1e6);
  rope.beta_slow = s.number_or("beta_slow", 1.0, 1e-3, 1e6);
  rope.truncate = s.boolean_or("truncate", true);
  const double mscale = s.number_or("mscale", 0.0);
  const double all_dim = s.number_or("mscale_all_dim", 0.0);
  const double usual = mscale != 0.0 && all_dim != 0.0 ? yarn_attention_factor(rope.factor, mscale) /
                                                             yarn_attention_factor(rope.factor, all_dim)
                                                       : yarn_attention_factor(rope.factor);
  rope.attention_factor = s.number_or("attention_factor", usual, 1e-3, 1e3);
}

void read_scaling(const JsonObject& config, const JsonObject& s, RopeConfig& rope) {
  rope.type = rope_type(s, s.has("rope_type") ? s.text("rope_type") : s.text_or("type", "default"));
  rope.share = s.number_or("partial_rotary_factor", rope.share, 1e-3, 1.0);
  if (rope.type == RopeType::kDefault) return;
  // Beside the section it wins over the one within, as in transformers.
  if (!config.has("original_max_position_embeddings")) {
    rope.original_positions = s.integer_or("original_max_position_embeddings", rope.original_positions);
  }
  if (rope.type == RopeType::kLongRope) return read_long_rope(s, rope);
  if (rope.type == RopeType::kYarn && !s.has("factor")) {
    rope.factor = static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_positions);
  } else {
    rope.factor = s.number("factor", 1e-3, 1e6);
  }
  if (rope.type == RopeType::kLlama3) {
    rope.low_freq_factor = s.number("low_freq_factor", 1e-6, 1e6);
    rope.high_freq_factor = s.number("high_freq_factor", 1e-6, 1e6);
    LQ_CHECK(rope.high_freq_factor > rope.low_freq_factor, kCorruptFile,
             "{}: high_freq_factor {} is not above low_freq_factor {}", s.who(), rope.high_freq_factor,
             rope.low_freq_factor);
  }
  if (rope.type == RopeType::kYarn) read_yarn(s, rope);
}

}  // namespace

RopeConfig read_rope_section(const JsonObject& config, const JsonObject* section, std::int64_t max_positions,
                             double theta) {
  RopeConfig rope;
  rope.max_positions = max_positions;
  rope.original_positions = config.integer_or("original_max_position_embeddings", max_positions);
  rope.share = config.number_or("partial_rotary_factor", 1.0, 1e-3, 1.0);
  rope.theta = theta;
  if (section != nullptr) {
    for (const auto& [key, value] : section->json().items()) {
      LQ_CHECK(!value.is_object(), kUnsupported,
               "{}: \"{}\" is a rotation of its own for some layers, which is not computed for {}",
               section->who(), key, config.text_or("model_type", "this model"));
    }
    rope.theta = section->number_or("rope_theta", theta, 1.0, 1e12);
    read_scaling(config, *section, rope);
  }
  return rope;
}

RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions, double default_theta) {
  const double theta = config.number_or("rope_theta", default_theta, 1.0, 1e12);
  const auto scaling = config.section_if("rope_scaling");
  const auto parameters = config.section_if("rope_parameters");  // asked for also where it does not count
  const auto section = scaling && !scaling->json().empty() ? scaling : parameters;
  return read_rope_section(config, section ? &*section : nullptr, max_positions, theta);
}

void check_rope(const JsonObject& config, const RopeConfig& rope, std::int64_t head_dim) {
  const std::int64_t dims = rope.dims(head_dim);
  LQ_CHECK(dims >= 2 && static_cast<double>(dims) + 1.0 > rope.share * static_cast<double>(head_dim),
           kUnsupported, "{}: partial_rotary_factor {} of a head_dim of {} is no even number of dimensions",
           config.who(), rope.share, head_dim);
  LQ_CHECK(rope.type != RopeType::kDynamic || dims > 2, kCorruptFile,
           "{}: dynamic rotary scaling needs a head_dim above 2", config.who());
  LQ_CHECK(
      rope.type != RopeType::kLongRope || std::ssize(rope.short_factor) == dims / 2, kCorruptFile,
      "{}: short_factor and long_factor have {} numbers, but {} dimensions of a head turn, which need {}",
      config.who(), rope.short_factor.size(), dims, dims / 2);
}

}  // namespace lq::families

#include "eval/generation_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"
#include "files/json_object.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::string_view_literals;

constexpr std::int64_t kTransformersTopK = 50;  // its default where a file samples and names none
constexpr std::int64_t kLargestId = std::numeric_limits<std::int32_t>::max();

// Keys that are read, and keys that change no token: names of versions, of outputs, of caches, lengths that
// a caller chooses here, and what a model of this kind has no part for.
constexpr std::array kSilent = {
    "eos_token_id"sv,
    "do_sample"sv,
    "temperature"sv,
    "top_p"sv,
    "top_k"sv,
    "min_p"sv,
    "repetition_penalty"sv,
    "stop_strings"sv,
    "typical_p"sv,
    "epsilon_cutoff"sv,
    "eta_cutoff"sv,
    "no_repeat_ngram_size"sv,
    "bad_words_ids"sv,
    "min_length"sv,
    "min_new_tokens"sv,
    "forced_bos_token_id"sv,
    "forced_eos_token_id"sv,
    "suppress_tokens"sv,
    "begin_suppress_tokens"sv,
    "renormalize_logits"sv,
    "bos_token_id"sv,
    "pad_token_id"sv,
    "transformers_version"sv,
    "_from_model_config"sv,
    "_commit_hash"sv,
    "use_cache"sv,
    "cache_implementation"sv,
    "cache_config"sv,
    "return_dict_in_generate"sv,
    "return_legacy_cache"sv,
    "output_attentions"sv,
    "output_hidden_states"sv,
    "output_scores"sv,
    "output_logits"sv,
    "max_length"sv,
    "max_new_tokens"sv,
    "max_time"sv,
    "trust_remote_code"sv,
    "decoder_start_token_id"sv,
    "num_return_sequences"sv,
    "early_stopping"sv,
    "length_penalty"sv,
    "is_assistant"sv,
    "assistant_early_exit"sv,
    "num_assistant_tokens"sv,
    "num_assistant_tokens_schedule"sv,
    "assistant_confidence_threshold"sv,
    "prompt_lookup_num_tokens"sv,
    "max_matching_ngram_size"sv,
    "target_lookbehind"sv,
    "assistant_lookbehind"sv,
    "assistant_ignore_eos_tokens"sv,
    "assistant_temperature"sv,
    "compile_config"sv,
    "disable_compile"sv,
    "continuous_batching_config"sv,
    "prefill_chunk_size"sv,
    "low_memory"sv,
    "remove_invalid_values"sv,
    "generation_kwargs"sv,
    "chat_format"sv,
    "max_window_size"sv,
    "do_echo"sv,
    "user_token_id"sv,
    "assistant_token_id"sv,
};

struct Neutral {
  std::string_view key;
  double value;  // changes nothing
};
constexpr std::array kNeutral = {
    Neutral{"num_beams"sv, 1},
    Neutral{"num_beam_groups"sv, 1},
    Neutral{"diversity_penalty"sv, 0},
    Neutral{"encoder_no_repeat_ngram_size"sv, 0},
    Neutral{"encoder_repetition_penalty"sv, 1},
    Neutral{"guidance_scale"sv, 1},
    Neutral{"penalty_alpha"sv, 0},
    Neutral{"top_h"sv, 1},
    Neutral{"presence_penalty"sv, 0},
    Neutral{"frequency_penalty"sv, 0},
};

// Whether a key that is not read leaves everything as it is.
bool changes_nothing(const std::string& key, const Json& value) {
  if (value.is_null() || value == false || (value.is_structured() && value.empty())) return true;
  if (std::ranges::find(kSilent, key) != kSilent.end()) return true;
  const auto neutral = std::ranges::find(kNeutral, key, &Neutral::key);
  return neutral != kNeutral.end() && value.is_number() && value.get<double>() == neutral->value;
}

std::string shortened(const std::string& text) {
  return text.size() > 40 ? text.substr(0, 40) + "..." : text;
}

std::string short_text(const Json& value) {
  return printable(shortened(value.dump(-1, ' ', true, Json::error_handler_t::replace)));
}

std::optional<double> number_if(const JsonObject& file, std::string_view key, double min, double max) {
  return file.has(key) ? std::optional(file.number(key, min, max)) : std::nullopt;
}

}  // namespace

GenerationConfig GenerationConfig::load(const Folder& folder) {
  const char* const name = "generation_config.json";
  if (!folder.has(name)) return {};
  return parse(folder.read(name, kJsonLimit), "[generation config] " + folder.who(name));
}

GenerationConfig GenerationConfig::parse(std::string_view text, const std::string& who) {
  const JsonObject file(parse_ordered_json(text, who), who);
  GenerationConfig out;
  for (const std::int64_t id : file.integers("eos_token_id", -kLargestId, kLargestId)) {
    if (id >= 0) out.eos.push_back(static_cast<std::int32_t>(id));
  }
  out.stop_strings = file.texts("stop_strings");
  out.do_sample = file.boolean_or("do_sample", false);
  out.sampling.temperature = number_if(file, "temperature", 0.0, 1e6);
  // 0 leaves the likeliest token, as transformers has it.
  if (file.has("top_p")) out.sampling.top_p = std::max(1e-12, file.number("top_p", 0.0, 1.0));
  out.sampling.min_p = number_if(file, "min_p", 0.0, 1.0);
  out.sampling.repetition_penalty = number_if(file, "repetition_penalty", 1e-6, 1e6);
  // -1 stands for "all" in files of other programs.
  if (file.has("top_k")) out.sampling.top_k = std::max<std::int64_t>(0, file.integer("top_k", -1));
  // As transformers has them: beyond these bounds they cut nothing.
  const auto cutoff = [&](std::string_view key) {
    const double value = file.number_or(key, 0.0);
    return value > 0.0 && value < 1.0 ? value : 0.0;
  };
  if (file.has("typical_p")) {
    const double mass = file.number("typical_p");
    LQ_CHECK(mass > 0.0, kCorruptFile, "{}: 'typical_p' is {}, but must be above 0", who, mass);
    out.typical_p = std::min(1.0, mass);
  }
  out.epsilon_cutoff = cutoff("epsilon_cutoff");
  out.eta_cutoff = cutoff("eta_cutoff");
  out.rules = LogitRules::read(file);
  for (const auto& [key, value] : file.json().items()) {
    if (!changes_nothing(key, value)) {
      out.ignored.push_back(fmt::format("{} {}", printable(key), short_text(value)));
    }
  }
  return out;
}

SamplerOptions GenerationConfig::options(const SamplingRequest& request) const {
  SamplerOptions out;
  out.repetition_penalty = sampling.repetition_penalty.value_or(out.repetition_penalty);
  if (do_sample) {
    out.temperature = sampling.temperature.value_or(1.0);
    out.top_k = kTransformersTopK;
  }
  // Who asks for a temperature samples, as with do_sample.
  if (do_sample || request.temperature.value_or(0.0) > 0.0) {
    out.top_k = sampling.top_k.value_or(out.top_k);
    out.top_p = sampling.top_p.value_or(out.top_p);
    out.min_p = sampling.min_p.value_or(out.min_p);
    out.typical_p = typical_p;
    out.epsilon_cutoff = epsilon_cutoff;
    out.eta_cutoff = eta_cutoff;
  }
  out.rules = rules;
  out.temperature = request.temperature.value_or(out.temperature);
  out.top_k = request.top_k.value_or(out.top_k);
  out.top_p = request.top_p.value_or(out.top_p);
  out.min_p = request.min_p.value_or(out.min_p);
  out.repetition_penalty = request.repetition_penalty.value_or(out.repetition_penalty);
  return out;
}

std::string GenerationConfig::not_followed() const {
  return ignored.empty() ? "" : fmt::format("not followed: {}", fmt::join(ignored, ", "));
}

std::string GenerationConfig::note(const SamplingRequest& request) const {
  SamplingRequest as_asked;
  as_asked.temperature = request.temperature;
  const SamplerOptions plain, used = options(request);
  SamplerOptions mine = options(as_asked);
  mine.temperature = options({}).temperature;
  std::vector<std::string> parts;
  const auto say = [&](std::string_view name, auto of_file, auto in_use, auto plain_value) {
    if (of_file == in_use && of_file != plain_value) parts.push_back(fmt::format("{} {}", name, of_file));
  };
  say("temperature", mine.temperature, used.temperature, plain.temperature);
  say("top-k", mine.top_k, used.top_k, plain.top_k);
  say("top-p", mine.top_p, used.top_p, plain.top_p);
  say("min-p", mine.min_p, used.min_p, plain.min_p);
  say("repetition penalty", mine.repetition_penalty, used.repetition_penalty, plain.repetition_penalty);
  std::vector<std::string> followed;
  for (const std::string& text : rules.texts()) followed.push_back(shortened(text));
  if (used.temperature > 0.0) {
    const auto cuts = [&](std::string_view name, double value, double plain_value) {
      if (value != plain_value) followed.push_back(fmt::format("{} {}", name, value));
    };
    cuts("typical_p", used.typical_p, plain.typical_p);
    cuts("epsilon_cutoff", used.epsilon_cutoff, plain.epsilon_cutoff);
    cuts("eta_cutoff", used.eta_cutoff, plain.eta_cutoff);
  }
  std::string line;
  if (!parts.empty()) line = fmt::format("{} by default", fmt::join(parts, ", "));
  if (!followed.empty()) {
    line += fmt::format("{}followed: {}", line.empty() ? "" : "; ", fmt::join(followed, ", "));
  }
  if (!ignored.empty()) line += (line.empty() ? "" : "; ") + not_followed();
  return line.empty() ? line : "generation_config.json: " + line;
}

}  // namespace lq

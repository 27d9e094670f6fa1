#include "cli/prepare_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/placement.h"

namespace lq::cli {

Context place_for_text(Session& session, Model& model, DecodePrecision precision, std::string_view who) {
  constexpr std::int64_t kPrompt = 512;  // tokens of a prompt that pass together (eval/generator.cc)
  constexpr std::int64_t kCached = 8192;
  return place_for_inference(session.context(), model, kPrompt, std::min(model.spec().max_positions, kCached),
                             precision == DecodePrecision::kFast, who);
}

GenerateOptions prepare_text(const Session& session, const TextOptions& options, const Folder& model) {
  const SamplingRequest& sampling = options.sampling;
  const GenerationConfig file = GenerationConfig::load(model);
  GenerateOptions out = options.generate;
  out.sampler = file.options(sampling);
  out.sampler.seed = session.flags().seed;
  out.stop.insert(out.stop.end(), file.stop_strings.begin(), file.stop_strings.end());
  if (const std::string note = file.note(sampling); !note.empty()) session.note(note);
  return out;
}

nlohmann::ordered_json to_json(const SamplerOptions& o) {
  return {{"temperature", o.temperature},
          {"top_k", o.top_k},
          {"top_p", o.top_p},
          {"min_p", o.min_p},
          {"repetition_penalty", o.repetition_penalty}};
}

}  // namespace lq::cli

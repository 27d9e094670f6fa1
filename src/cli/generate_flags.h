// Flags of `generate` and `chat`.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>

#include "cli/app.h"
#include "eval/generation_config.h"
#include "eval/generator.h"

namespace lq::cli {

struct GenerateFlags {
  GenerateOptions options;   // the sampler is filled in by prepare()
  SamplingRequest sampling;  // what the command line says; the rest is the model's

  // The options for the model of this folder, with the defaults of its generation_config.json, which also
  // gives the generator more tokens to stop at. Notes what came from there.
  GenerateOptions prepare(const Session& session, const Folder& model, Generator& generator,
                          std::uint64_t seed) const;
  void add_to(CLI::App& verb) {
    verb.add_option("--max-tokens", options.max_tokens, "New tokens at most")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    verb.add_option("--temperature", sampling.temperature,
                    "0: always the likeliest token (default of this and the next four: the model's "
                    "generation_config.json; without one 0, and nothing is cut)")
        ->check(CLI::NonNegativeNumber);
    verb.add_option("--top-k", sampling.top_k, "Draw among this many; 0: all")->check(CLI::NonNegativeNumber);
    verb.add_option("--top-p", sampling.top_p, "Draw among the likeliest that reach this probability")
        ->check(CLI::Range(0.0, 1.0));
    verb.add_option("--min-p", sampling.min_p,
                    "Draw among those at least this times as likely as the likeliest")
        ->check(CLI::Range(0.0, 1.0));
    verb.add_option("--repetition-penalty", sampling.repetition_penalty,
                    "Above 1: makes repetition less likely")
        ->check(CLI::PositiveNumber);
    verb.add_option("--stop", options.stop, "End before this text, that of special tokens too (repeatable)");
    const std::map<std::string, DecodePrecision> precisions = {{"fast", DecodePrecision::kFast},
                                                               {"fine", DecodePrecision::kFine}};
    verb.add_option("--decode-precision", options.precision,
                    "Packed models: fast (a token: 8-bit activations and codebook; a prompt: 16-bit "
                    "integers) or fine "
                    "(14 bits; f32)")
        ->transform(CLI::CheckedTransformer(precisions))
        ->default_str("fast");
    verb.add_flag("--ignore-eos", options.ignore_eos, "Go on past the end-of-text token");
  }
};

nlohmann::ordered_json to_json(const SamplerOptions& options);

}  // namespace lq::cli

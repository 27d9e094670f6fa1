// Flags of `generate` and `chat`.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>

#include "eval/generator.h"

namespace lq::cli {

struct GenerateFlags {
  GenerateOptions options;

  void add_to(CLI::App& verb) {
    SamplerOptions& s = options.sampler;
    verb.add_option("--max-tokens", options.max_tokens, "New tokens at most")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    verb.add_option("--temperature", s.temperature, "0: always the likeliest token")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    verb.add_option("--top-k", s.top_k, "Draw among this many; 0: all")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    verb.add_option("--top-p", s.top_p, "Draw among the likeliest that reach this probability")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    verb.add_option("--min-p", s.min_p, "Draw among those at least this times as likely as the likeliest")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    verb.add_option("--repetition-penalty", s.repetition_penalty, "Above 1: makes repetition less likely")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    verb.add_option("--stop", options.stop, "End before this text (repeatable)");
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

}  // namespace lq::cli
